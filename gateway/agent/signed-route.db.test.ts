import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import * as messages from '../../core/protocol/messages.ts';
import { HEADER } from '../../core/protocol/signed-request.ts';
import { PROTOCOL_REVISION } from '../../core/protocol/version.ts';
import { beat, refusalOf, send, TestDevice } from '../testing/test-device.ts';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const empty = new Uint8Array(0);
describe('health', () => {
  test('200 when the database and the store answer', async () => {
    expect(await (await fetch(`${gateway.url}/livez`)).json()).toEqual({ status: 'ok' });
    const ready = await fetch(`${gateway.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ok', database: true, objects: true });
  });
});

describe('every request', () => {
  test('404 in the form of a refusal for what is not there', async () => {
    const headers = { [HEADER.protocol]: '1' };
    for (const [method, target] of [
      ['GET', '/'],
      ['GET', '/agent/v1/nothing'],
      ['DELETE', '/agent/v1/heartbeat'],
      ['GET', '/agent/v1/heartbeat'],
    ] as const) {
      const answer = await send(gateway.url + target, method, headers, empty);
      expect(answer.status, target).toBe(404);
      expect(refusalOf(answer).code).toBe('not_found');
    }
  });

  test('426 with the spoken range for another protocol version, before anything else is looked at', async () => {
    for (const version of ['2', '0', '1.5', 'x', undefined]) {
      const headers: Record<string, string> = version === undefined ? {} : { [HEADER.protocol]: version };
      for (const target of ['/agent/v1/heartbeat', '/agent/v1/enrol']) {
        const answer = await send(gateway.url + target, 'POST', headers, Buffer.from('not even JSON'));
        expect(answer.status, `${version} ${target}`).toBe(426);
        expect(refusalOf(answer)).toMatchObject({
          code: 'protocol_unsupported',
          action: 'update_agent',
          supported: { min: 1, max: 1 },
        });
      }
    }
  });
});

describe('POST /agent/v1/enrol', () => {
  test('200 binds the new key to customer and policy', async () => {
    const device = new TestDevice(gateway);
    const answer = await device.enrol(await gateway.createToken(gateway.customers[0]));
    expect(answer.status).toBe(200);
    expect(answer.headers.get(HEADER.revision)).toBe(String(PROTOCOL_REVISION));
    const identity = messages.enrolResponse.parse(answer.json);
    expect(identity).toMatchObject({
      tenantId: gateway.customers[0].tenantId,
      customerId: gateway.customers[0].customerId,
      customerName: 'First customer',
      custody: 'escrowed',
      serverTimeMs: gateway.clock.nowMs(),
    });
    device.identity = identity;
    expect((await device.post('/agent/v1/heartbeat', beat(1))).status).toBe(200);
  });

  test('401 token_invalid for a token that was never made, or of no form', async () => {
    const [{ tenantId }] = gateway.customers;
    const forged = `hfe_${tenantId.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
    for (const token of [forged, 'hfe_x', 'anything', `hfe_${'0'.repeat(32)}_${'A'.repeat(43)}`]) {
      const answer = await new TestDevice(gateway).enrol(token);
      expect(answer.status, token).toBe(401);
      expect(refusalOf(answer)).toMatchObject({ code: 'token_invalid', action: 'ask_provider' });
    }
  });

  test('409 token_used the second time, and exactly one of many at once is enrolled', async () => {
    const token = await gateway.createToken(gateway.customers[0]);
    const answers = await Promise.all(Array.from({ length: 12 }, () => new TestDevice(gateway).enrol(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer.status).toBe(409);
      expect(refusalOf(answer).code).toBe('token_used');
    }
  });

  test('401 token_expired after a day', async () => {
    const token = await gateway.createToken(gateway.customers[0]);
    gateway.clock.advance(24 * 3600_000);
    const answer = await new TestDevice(gateway).enrol(token);
    expect(answer.status).toBe(401);
    expect(refusalOf(answer).code).toBe('token_expired');
  });

  test('401 signature_invalid without proof of the key, and the token is still good', async () => {
    const token = await gateway.createToken(gateway.customers[0]);
    const device = new TestDevice(gateway);
    for (const signature of ['', 'AAAA', randomBytes(64).toString('base64url')]) {
      const answer = await device.enrol(token, { signature });
      expect(answer.status).toBe(401);
      expect(refusalOf(answer).code).toBe('signature_invalid');
    }
    expect((await device.enrol(token)).status).toBe(200);
  });

  test('400 for a body that is not the message, 413 for one that is too large', async () => {
    const url = `${gateway.url}/agent/v1/enrol`;
    const headers = { [HEADER.protocol]: '1' };
    const malformed = ['', 'null', '{"token":1}', '{"token":"x","extra":true}', '[]', '{', '"\\ud800"'];
    for (const body of [...malformed.map((text) => Buffer.from(text)), Buffer.from([0xff, 0xfe, 0x00])]) {
      const answer = await send(url, 'POST', headers, body);
      expect(answer.status, body.toString()).toBe(400);
      expect(refusalOf(answer).code).toBe('bad_request');
    }
    const large = await send(url, 'POST', headers, Buffer.alloc(20_000, 'x'));
    expect(large.status).toBe(413);
    expect(refusalOf(large).code).toBe('bad_request');
  });
});

describe('a signed request', () => {
  let device: TestDevice;
  beforeAll(async () => {
    device = await TestDevice.ready(gateway);
  });
  const target = '/agent/v1/snapshots';
  const body = Buffer.from('{}');
  const sendWith = async (headers: Record<string, string>, bytes: Uint8Array = body, path = target) =>
    await send(gateway.url + path, 'POST', headers, bytes);

  test('401 device_unknown for a key, device or tenant that is not known', async () => {
    const other = new TestDevice(gateway);
    for (const identity of [
      { ...device.identity, deviceId: newId() },
      { ...device.identity, tenantId: newId() },
      { ...device.identity, deviceId: 'x' },
    ]) {
      other.identity = identity;
      const answer = await other.post(target, {});
      expect(answer.status).toBe(401);
      expect(refusalOf(answer)).toMatchObject({ code: 'device_unknown', action: 'enrol_again' });
    }
  });

  test('401 signature_invalid when any signed part differs from what was signed', async () => {
    const fresh = () => device.headersFor('POST', target, body);
    const altered: [string, Record<string, string>, Uint8Array?, string?][] = [
      ['another key', { ...fresh(), [HEADER.signature]: randomBytes(64).toString('base64url') }],
      ['no signature', { ...fresh(), [HEADER.signature]: '' }],
      ['another time', { ...fresh(), [HEADER.time]: String(gateway.clock.nowMs() + 1) }],
      ['another nonce', { ...fresh(), [HEADER.nonce]: randomBytes(16).toString('base64url') }],
      ['a short nonce', { ...fresh(), [HEADER.nonce]: 'a' }],
      ['another body', fresh(), Buffer.from('{ }')],
      ['another body and its hash', { ...fresh(), [HEADER.bodyHash]: '0'.repeat(64) }, Buffer.from('{ }')],
      ['another path', fresh(), body, '/agent/v1/reads'],
      ['another query', fresh(), body, `${target}?x=1`],
    ];
    for (const [what, headers, bytes, path] of altered) {
      const answer = await sendWith(headers, bytes, path);
      expect(answer.status, what).toBe(401);
      expect(refusalOf(answer).code, what).toBe('signature_invalid');
    }
    expect((await sendWith(fresh())).status).toBe(200);
  });

  test('a signature of one device does not serve for another', async () => {
    const second = await TestDevice.ready(gateway);
    const headers = { ...second.headersFor('POST', target, body), [HEADER.device]: device.identity.deviceId };
    expect(refusalOf(await sendWith(headers)).code).toBe('signature_invalid');
  });

  test('401 replayed_request when it is sent a second time, however quickly', async () => {
    const headers = device.headersFor('POST', target, body);
    const answers = await Promise.all(Array.from({ length: 5 }, () => sendWith(headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(4);
    for (const answer of answers.filter(({ status }) => status === 401))
      expect(refusalOf(answer)).toMatchObject({ code: 'replayed_request', action: 'retry' });
  });

  test('401 clock_skew with the service’s time beyond five minutes either way', async () => {
    const nowMs = gateway.clock.nowMs();
    for (const offsetMs of [-300_001, 300_001, 86_400_000]) {
      const answer = await device.post(target, {}, nowMs + offsetMs);
      expect(answer.status, String(offsetMs)).toBe(401);
      expect(refusalOf(answer)).toMatchObject({ code: 'clock_skew', action: 'fix_clock', serverTimeMs: nowMs });
    }
    for (const offsetMs of [-299_000, 299_000])
      expect((await device.post(target, {}, nowMs + offsetMs)).status).toBe(200);
  });

  test('403 device_revoked once the device is removed, from the next request on', async () => {
    const removed = await TestDevice.ready(gateway);
    expect((await removed.post(target, {})).status).toBe(200);
    await gateway.sql('UPDATE device SET revoked_at = now() WHERE id = $1', [removed.identity.deviceId]);
    const answer = await removed.post(target, {});
    expect(answer.status).toBe(403);
    expect(refusalOf(answer)).toMatchObject({ code: 'device_revoked', action: 'ask_provider' });
  });

  test('400 for unknown keys, and the refusal names the field and no value', async () => {
    const answer = await device.post('/agent/v1/heartbeat', { ...beat(1), secretField: 'secret-value' });
    expect(answer.status).toBe(400);
    expect(refusalOf(answer).message).not.toContain('secret-value');
    const wrongType = await device.post('/agent/v1/heartbeat', { ...beat(1), agentVersion: 7 });
    expect(refusalOf(wrongType).message).toContain('agentVersion');
  });

  test('404 for an id that is no id', async () => {
    for (const path of ['/agent/v1/runs/x', '/agent/v1/runs/%2e%2e', `/agent/v1/runs/${newId()}`]) {
      const answer = await device.get(path);
      expect(answer.status, path).toBe(404);
      expect(refusalOf(answer).code).toBe('not_found');
    }
  });
});

test('nothing that was logged can be used: no token, no signature, no signed URL, no password', async () => {
  const device = new TestDevice(gateway);
  const token = await gateway.createToken(gateway.customers[0]);
  await device.enrol(token);
  await device.enrol(token);
  const log = gateway.logged.join('\n');
  expect(gateway.logged.length).toBeGreaterThan(20);
  for (const secret of [token, 'signature=', 'the-drill-password', 'PRIVATE KEY']) expect(log).not.toContain(secret);
});
