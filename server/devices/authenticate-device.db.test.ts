/** What a signed request must be before anything of it is believed: one code for each way in which it is not. */
import { generateKeyPairSync } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { CLOCK_WINDOW_MS, HEADER, signRequest } from '../../core/protocol/signed-request.ts';
import { enrolTestDevice, type TestDevice } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { authenticateDevice, type SignedRequestAsReceived } from './authenticate-device.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let device: TestDevice;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'signed');
  device = await enrolTestDevice(services, await tenant.customers[0].createToken());
});
afterAll(() => services.stop());

const body = Buffer.from('{"sequence":1}');

function request(
  changes: { by?: TestDevice; deviceId?: string; tenantId?: string; key?: string; atMs?: number } = {},
): SignedRequestAsReceived {
  const by = changes.by ?? device;
  const { tenantId, deviceId } = by.answer;
  const toSign = {
    method: 'POST',
    target: '/agent/v1/heartbeat',
    body,
    tenantId: changes.tenantId ?? tenantId,
    deviceId: changes.deviceId ?? deviceId,
  };
  const headers = signRequest(toSign, changes.key ?? by.privateKey, changes.atMs ?? services.clock.nowMs());
  return { method: toSign.method, target: toSign.target, body, headers };
}

const codeOf = async (sent: SignedRequestAsReceived): Promise<string> =>
  await authenticateDevice(services, sent).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

test('a request that the device signed is accepted, with the walls of its customer', async () => {
  const { scope } = await authenticateDevice(services, request());
  expect(scope).toMatchObject({
    tenantId: tenant.id,
    customerId: tenant.customers[0].id,
    deviceId: device.answer.deviceId,
    role: 'device',
  });
});

describe('refused', () => {
  const other = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const withHeader = (name: string, value: string | undefined): SignedRequestAsReceived => {
    const sent = request();
    return { ...sent, headers: { ...sent.headers, [name]: value } };
  };

  test.each<[string, string, () => SignedRequestAsReceived]>([
    ['another protocol', 'protocol_unsupported', () => withHeader(HEADER.protocol, '2')],
    ['no protocol', 'protocol_unsupported', () => withHeader(HEADER.protocol, undefined)],
    ['a device that is no id', 'device_unknown', () => withHeader(HEADER.device, "' OR true --")],
    ['no device', 'device_unknown', () => withHeader(HEADER.device, undefined)],
    ['a device that was never enrolled', 'device_unknown', () => request({ deviceId: newId() })],
    ['a tenant that is not the device’s', 'device_unknown', () => request({ tenantId: newId() })],
    ['another key', 'signature_invalid', () => request({ key: other.privateKey })],
    ['another method', 'signature_invalid', () => ({ ...request(), method: 'PUT' })],
    ['another target', 'signature_invalid', () => ({ ...request(), target: '/agent/v1/reads' })],
    ['another body', 'signature_invalid', () => ({ ...request(), body: Buffer.from('{"sequence":2}') })],
    ['another body hash', 'signature_invalid', () => withHeader(HEADER.bodyHash, 'a'.repeat(64))],
    ['another time', 'signature_invalid', () => withHeader(HEADER.time, String(services.clock.nowMs() + 1))],
    ['another nonce', 'signature_invalid', () => withHeader(HEADER.nonce, 'A'.repeat(22))],
    ['no nonce', 'signature_invalid', () => withHeader(HEADER.nonce, '')],
    ['no signature', 'signature_invalid', () => withHeader(HEADER.signature, '')],
    ['a clock behind', 'clock_skew', () => request({ atMs: services.clock.nowMs() - CLOCK_WINDOW_MS - 1000 })],
    ['a clock ahead', 'clock_skew', () => request({ atMs: services.clock.nowMs() + CLOCK_WINDOW_MS + 1000 })],
  ])('%s', async (_what, code, make) => {
    expect(await codeOf(make())).toBe(code);
  });

  test('the same request a second time, and all but one of a hundred at once', async () => {
    const sent = request();
    expect([await codeOf(sent), await codeOf(sent)]).toEqual(['accepted', 'replayed_request']);
    const again = request();
    const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(again)));
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(codes.filter((code) => code === 'replayed_request')).toHaveLength(99);
  });

  test('a forged request uses up no nonce: the true one is still accepted', async () => {
    const sent = request();
    expect(await codeOf({ ...sent, body: Buffer.from('{}') })).toBe('signature_invalid');
    expect(await codeOf(sent)).toBe('accepted');
  });

  test('a removed device, from the next request on; and what a stranger sends in its name tells nothing of that', async () => {
    const gone = await enrolTestDevice(services, await tenant.customers[0].createToken());
    expect(await codeOf(request({ by: gone }))).toBe('accepted');
    await admin.query('UPDATE device SET revoked_at = now() WHERE id = $1', [gone.answer.deviceId]);
    expect(await codeOf(request({ by: gone }))).toBe('device_revoked');
    expect(await codeOf(request({ by: gone, key: other.privateKey }))).toBe('signature_invalid');
  });
});
