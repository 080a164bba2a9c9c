import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { manualClock } from '../../core/base/clock.ts';
import { silentLog } from '../../core/base/log.ts';
import { bodyHash, HEADER, verifyRequestSignature } from '../../core/protocol/signed-request.ts';
import { newId } from '../../core/base/ids.ts';
import { backoffMs } from './backoff.ts';
import { GatewayClient } from './gateway-client.ts';
import { createHttpTransfer } from './http-transfer.ts';

interface Received {
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const keys = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const device = { tenantId: newId(), deviceId: newId(), privateKey: keys.privateKey };

let server: Server;
let received: Received[];
let answer: (response: ServerResponse, at: number) => void;
let waits: number[];
let client: GatewayClient;

beforeEach(async () => {
  received = [];
  waits = [];
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({ target: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces) });
      answer(response, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new GatewayClient({
    serverUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    device,
    log: silentLog,
    waiting: { random: () => 0.5, sleep: async (ms) => void waits.push(ms) },
    retryForMs: 60_000,
  });
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const refuse = (response: ServerResponse, status: number, code: string, action: string, more: object = {}): void =>
  json(response, status, { error: { code, message: `the sentence of ${code}`, action, serverTimeMs: 5, ...more } });

test('every attempt is signed over what is sent, with a time and nonce of its own', async () => {
  answer = (response, at) => (at < 3 ? response.writeHead(503).end('busy') : json(response, 200, { snapshots: [] }));
  await client.snapshots();
  expect(received).toHaveLength(3);
  for (const { target, headers, body } of received) {
    const fields = {
      protocol: Number(headers[HEADER.protocol]),
      timeMs: Number(headers[HEADER.time]),
      nonce: String(headers[HEADER.nonce]),
      bodyHash: bodyHash(body),
    };
    expect(headers[HEADER.bodyHash]).toBe(fields.bodyHash);
    const request = { method: 'POST', target, ...device };
    expect(verifyRequestSignature(request, fields, String(headers[HEADER.signature]), keys.publicKey)).toBe(true);
  }
  expect(new Set(received.map(({ headers }) => headers[HEADER.nonce])).size).toBe(3);
});

test('waits longer each time, at least as long as Retry-After asks, and gives up when its patience ends', async () => {
  answer = (response) => response.writeHead(429, { 'retry-after': '7' }).end();
  await expect(client.snapshots()).rejects.toMatchObject({ code: 'storage_unavailable', detail: { status: 429 } });
  expect(waits.every((ms) => ms >= 7_000)).toBe(true);
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(60_000);
  expect([...waits].sort((a, b) => a - b)).toEqual(waits);
  expect([0, 1, 2, 30].map((attempt) => backoffMs(attempt, undefined, () => 1))).toEqual([400, 800, 1600, 60_000]);
  expect(backoffMs(0, 86_400, () => 0)).toBe(300_000);
});

test('the gateway’s revision of the protocol is that of its last answer, and 0 where it says none', async () => {
  const revisions = [{}, { [HEADER.revision]: '1' }, { [HEADER.revision]: 'x' }];
  answer = (response, at) => json(response, 200, { snapshots: [] }, revisions[at - 1]);
  const seen = [client.revision];
  for (const _ of revisions) {
    await client.snapshots();
    seen.push(client.revision);
  }
  expect(seen).toEqual([0, 0, 1, 0]);
});

test('a refusal is the server’s own sentence and is not repeated', async () => {
  answer = (response) => refuse(response, 403, 'device_revoked', 'ask_provider');
  await expect(client.snapshots()).rejects.toMatchObject({
    code: 'device_revoked',
    message: 'the sentence of device_revoked',
  });
  expect(received).toHaveLength(1);
});

test('refused bytes are not sent again as they are', async () => {
  answer = (response) => refuse(response, 422, 'object_mismatch', 'retry');
  await expect(client.snapshots()).rejects.toMatchObject({ code: 'object_mismatch' });
  expect(received).toHaveLength(1);
});

test('a skewed clock is healed by the server’s time once; a server that refuses that too is believed', async () => {
  const clock = manualClock(1_000_000);
  const skewed = new GatewayClient({ serverUrl: client.serverUrl, device, log: silentLog, clock });
  answer = (response, at) =>
    at === 1
      ? refuse(response, 401, 'clock_skew', 'fix_clock', { serverTimeMs: 9_000_000 })
      : json(response, 200, { snapshots: [] });
  await skewed.snapshots();
  expect(received.map(({ headers }) => headers[HEADER.time])).toEqual(['1000000', '9000000']);
  expect(skewed.nowMs()).toBe(9_000_000);
  answer = (response) => refuse(response, 401, 'clock_skew', 'fix_clock', { serverTimeMs: 5_000_000 });
  await expect(skewed.snapshots()).rejects.toMatchObject({ code: 'clock_skew' });
  expect(received).toHaveLength(4);
  skewed.close();
});

test('a heartbeat is never repeated by itself', async () => {
  answer = (response) => response.destroy();
  const beat = { sequence: 1, agentVersion: '0.1.0', policyVersion: 0, running: null, commandIds: [] };
  await expect(client.heartbeat(beat)).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(received).toHaveLength(1);
});

test('an answer that is cut short counts as none; one of another shape is no gateway of this protocol', async () => {
  answer = (response, at) => {
    if (at > 1) return json(response, 200, { snapshots: [] });
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"snapshots"');
    setTimeout(() => response.destroy(), 20);
  };
  expect(await client.snapshots()).toEqual({ snapshots: [] });
  expect(received).toHaveLength(2);
  for (const body of [{ snapshots: [], more: 1 }, {}, [], 'text', null]) {
    answer = (response) => json(response, 200, body);
    await expect(client.snapshots()).rejects.toMatchObject({ code: 'protocol_unsupported' });
  }
});

test('a message that the protocol does not allow is found before it is sent', async () => {
  const beat = { sequence: 0, agentVersion: '0.1.0', policyVersion: 0, running: null, commandIds: [] };
  await expect(client.heartbeat(beat)).rejects.toThrow();
  expect(received).toHaveLength(0);
});

test('a transfer without progress is ended, and so is one that answers with too much or is cancelled', async () => {
  const transfer = createHttpTransfer({ HTTP_PROXY: 'http://127.0.0.1:1' });
  const url = client.serverUrl;
  const terms = { method: 'GET', url, headers: {}, responseBytesMax: 1000 } as const;
  answer = () => undefined;
  await expect(transfer.exchange({ ...terms, stallMs: 100 })).rejects.toThrow('stopped answering');
  await expect(transfer.exchange({ ...terms, totalMs: 100 })).rejects.toThrow('no answer');
  await expect(transfer.exchange({ ...terms, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    code: 'cancelled',
  });
  answer = (response) => response.writeHead(200).end(Buffer.alloc(100_000));
  await expect(transfer.exchange(terms)).rejects.toThrow('too many bytes');
  // The proxy of the environment is not asked for our own loopback: nothing listens on port 1.
  answer = (response) => response.writeHead(204).end();
  expect((await transfer.exchange(terms)).status).toBe(204);
  transfer.close();
});
