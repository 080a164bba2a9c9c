/** The same backup with Google Cloud Storage behind: objects go to Google by its own signed URLs, never through the gateway. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as messages from '../../core/protocol/messages.ts';
import { type GcsEmulator, startGcsEmulator } from '../../core/storage/testing/gcs-emulator.ts';
import { makeObject, TestDevice } from '../testing/test-device.ts';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

const account = 'signer@demo.iam.gserviceaccount.com';
let emulator: GcsEmulator;
let gateway: TestGateway;
beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  emulator = await startGcsEmulator({ signers: { [account]: publicKey }, buckets: ['vaults'] });
  const credentialsJson = JSON.stringify({ client_email: account, private_key: privateKey });
  const gcs = { apiEndpoint: emulator.url, bucket: 'vaults', credentialsJson };
  gateway = await startTestGateway({ gcs, startMs: Date.now() });
});
afterAll(async () => {
  await gateway.close();
  await emulator.close();
});

test('a machine enrols, uploads to the bucket, commits and reads back by signed URL', async () => {
  const device = await TestDevice.ready(gateway);
  const { tenantId, vaultId } = device.identity;
  const runId = await device.startRun();
  const objects = [makeObject('data_pack'), makeObject('tree_pack'), makeObject('index'), makeObject('snapshot')];
  const { uploads } = await device.lease(runId, objects);
  for (const grant of uploads) expect(grant.url).toContain(`${emulator.url}/vaults/holdfast/`);

  const [pack] = objects;
  expect(await device.upload([{ ...pack!, bytes: randomBytes(pack!.size) }], uploads)).toEqual([400]);
  expect(await device.upload(objects, uploads)).toEqual([200, 200, 200, 200]);
  expect(await device.upload([pack!], uploads)).toEqual([412]);
  expect((await device.lease(runId, [pack!])).uploads).toEqual([{ key: pack!.key, state: 'present' }]);
  const committed = await device.commit(runId, device.manifest(runId, objects));
  expect(messages.runView.parse(committed.json)).toMatchObject({ state: 'committed' });

  const stored = await gateway.services.store.get(`v/${tenantId}/${vaultId}/${pack!.key}`);
  expect(Buffer.from(stored).equals(Buffer.from(pack!.bytes))).toBe(true);
  const read = await device.post('/agent/v1/reads', { keys: ['config'], list: null, grantId: null });
  const { downloads } = messages.readResponse.parse(read.json);
  expect((await (await fetch(downloads[0]!.url)).arrayBuffer()).byteLength).toBe(downloads[0]!.size);
});

test('the gateway itself serves no objects then', async () => {
  const response = await fetch(`${gateway.url}/objects/v1/a?signature=x`);
  expect(response.status).toBe(404);
  await response.arrayBuffer();
});

test('503 while the bucket does not answer, and ready again afterwards', async () => {
  const trouble = { method: 'GET', pathIncludes: 'readiness-probe', answer: 403, when: 'before' } as const;
  emulator.trouble(trouble);
  const ready = await fetch(`${gateway.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({ status: 'unavailable', database: true, objects: false });
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
});
