/**
 * The worker program itself, killed (kill -9) while a receiver has a message and has not answered. On both queue backends
 * (HOLDFAST_TEST_QUEUE): what is told is told again under the same id, and its end is recorded.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { systemClock } from '../../core/base/clock.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { publishNotification } from '../../server/delivery/publish.ts';
import { createChannel } from '../../server/delivery/save-channel.ts';
import { createTestTenant } from '../../server/testing/test-services.ts';
import { until } from '../../tests/support/until.ts';
import { admin, services, startWorkerProgram, useWorkerProgram } from '../testing/worker-program.ts';

let receiver: Server;
const heard: { readonly id: string; readonly response: ServerResponse }[] = [];

useWorkerProgram({ HOLDFAST_OUTBOUND_LOOPBACK: 'allow' });
beforeAll(async () => {
  receiver = createServer((request, response) => {
    request.resume();
    heard.push({ id: String(request.headers['webhook-id']), response });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

test('a worker that is killed between the sending and its record loses nothing, and repeats it under the same id', async () => {
  const tenant = await createTestTenant(services, 'killed');
  const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/in`;
  await createChannel(services, tenant.owner, { kind: 'webhook', name: 'receiver', settings: { url: address } });
  const tell = async () =>
    await withScope(services, tenant.system, (tx) =>
      publishNotification({ clock: systemClock }, tx, tenant.system, {
        tenantId: tenant.id,
        customerId: tenant.customers[0].id,
        sourceKey: newId(),
        subjectKey: `alert:${newId()}`,
        transition: 'opened',
        severity: 'critical',
        kind: 'damage',
        subjectName: 'SERVER',
        title: 'Stored data is damaged',
        message: 'It is being repaired.',
        path: '/integrity',
        atMs: systemClock.nowMs(),
      }),
    );
  await tell();
  const first = await startWorkerProgram('--queues', 'notify');
  await until('the first request', async () => heard.length === 1);
  first.kill('SIGKILL');
  await tell();
  // The lease of the dead worker's job runs out.
  await admin.query(
    `UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE kind = 'deliver' AND state = 'running'`,
  );
  await startWorkerProgram('--queues', 'notify');
  const states = async () =>
    (
      await admin.query<{ state: string; attempts: number }>(
        `SELECT state, attempts FROM notification_delivery ORDER BY id`,
      )
    ).rows;
  await until('both ends', async () => {
    for (const { response } of heard) if (!response.writableEnded) response.writeHead(200).end('taken');
    return (await states()).every(({ state }) => state === 'sent');
  });
  expect(await states()).toEqual([
    { state: 'sent', attempts: 2 },
    { state: 'sent', attempts: 1 },
  ]);
  const ids = heard.map(({ id }) => id);
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(2);
  expect(ids[1]).toBe(ids[0]);
});
