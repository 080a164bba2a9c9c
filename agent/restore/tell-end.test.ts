/** The service hears how a restore ended that was started at the machine, whatever became of it. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import type { RestoreEndRequest } from '../../core/protocol/messages.ts';
import { HEADER } from '../../core/protocol/signed-request.ts';
import { GatewayClient } from '../gateway/gateway-client.ts';
import { tellEnd } from './tell-end.ts';

const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const grantId = newId();

let server: Server;
let client: GatewayClient;
let revision: string;
let status: number;
/** What the service was told, with where. */
let told: { readonly url: string; readonly body: unknown }[];

beforeEach(async () => {
  told = [];
  revision = '2';
  status = 200;
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(pieces).toString());
      if (request.url?.endsWith('/end')) told.push({ url: request.url, body });
      const refused = { error: { code: 'not_found', message: 'No.', action: 'stop', serverTimeMs: 0 } };
      response
        .writeHead(request.url?.endsWith('/end') ? status : 200, { [HEADER.revision]: revision })
        .end(
          JSON.stringify(request.url?.endsWith('/end') ? (status === 200 ? {} : refused) : { grantId, expiresMs: 1 }),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new GatewayClient({
    serverUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    device: { tenantId: newId(), deviceId: newId(), privateKey },
    log: silentLog,
  });
});
afterEach(async () => {
  client.close();
  await new Promise((resolve) => server.close(resolve));
});

const DONE: RestoreEndRequest = { state: 'delivered', message: 'There.', restored: { files: 1, bytes: 5 } };

/** A restore that gets its permission and then does `then`. */
async function restoring<T>(then: () => T, signal?: AbortSignal): Promise<T> {
  return await tellEnd(
    { client, log: silentLog, ...(signal === undefined ? {} : { signal }) },
    async (onGrant) => {
      onGrant((await client.requestRestoreGrant('0'.repeat(64), [], 'restore')).grantId);
      return then();
    },
    () => DONE,
  );
}

test('a restore that was done is told with its size', async () => {
  expect(await restoring(() => 'result')).toBe('result');
  expect(told).toEqual([{ url: `/agent/v1/restores/${grantId}/end`, body: DONE }]);
});

test('one that failed is told with the sentence that the person reads, and fails all the same', async () => {
  const full = new HoldfastError('disk_full', 'The disk is full.');
  await expect(
    restoring(() => {
      throw full;
    }),
  ).rejects.toBe(full);
  expect(told).toMatchObject([{ body: { state: 'failed', message: 'The disk is full.' } }]);
});

test('one that was stopped is told as stopped, although nothing else is sent any more', async () => {
  const stop = new AbortController();
  const stopped = restoring(() => {
    stop.abort();
    throw new HoldfastError('cancelled', 'Stopped.');
  }, stop.signal);
  await expect(stopped).rejects.toThrow('Stopped.');
  expect(told).toMatchObject([{ body: { state: 'cancelled' } }]);
});

test('that the end could not be told does not make a restore fail', async () => {
  status = 404;
  expect(await restoring(() => 'result')).toBe('result');
  expect(told).toHaveLength(1);
});

test('an older service is told nothing that it would refuse', async () => {
  revision = '1';
  await restoring(() => 'result');
  expect(told).toEqual([]);
});

test('without a permission there is nothing to end', async () => {
  await expect(
    tellEnd(
      { client, log: silentLog },
      () => Promise.reject(new Error('refused')),
      () => DONE,
    ),
  ).rejects.toThrow('refused');
  expect(told).toEqual([]);
});
