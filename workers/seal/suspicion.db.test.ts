/** F3 and F7 as the service sees them: a backup that holds next to nothing, and two machines with one identity. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordHeartbeat } from '../../server/devices/record-heartbeat.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice } from '../testing/test-device.ts';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

const DAY_MS = 86_400_000;
const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`file-${at}.txt`, `contents ${at}`]));

/** Nothing here is about what follows a seal. */
async function sealed(device: TestDevice): Promise<Awaited<ReturnType<TestDevice['commit']>>> {
  const committed = await device.commit();
  await device.work(['seal']);
  return committed;
}

test('a backup in which nine of ten files are gone is sealed and kept, and somebody is told; not so when they are back', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', ...many });
  await sealed(device);
  expect(await device.openAlerts()).toEqual([]);
  for (const name of Object.keys(many)) rmSync(join(device.source, name));
  services.clock.advance(DAY_MS);
  const { runId, result } = await sealed(device);
  expect(await device.run(runId)).toMatchObject({ state: 'sealed' });
  expect(await device.point(result.snapshotId)).toMatchObject({ state: 'sealed' });
  expect(await device.openAlerts()).toEqual(['suspicious']);
  const [alert] = await device.sql((tx) => tx.alert.findMany({ where: { tenantId: device.tenant.id } }));
  expect(alert?.message).toContain('holds 1 file where an earlier backup holds 41 files');
  const audited = await device.sql((tx) =>
    tx.auditEvent.findMany({ where: { tenantId: device.tenant.id, action: 'run.suspicious' } }),
  );
  expect(audited).toHaveLength(1);

  // The second small one is no better than the first.
  writeFileSync(join(device.source, 'another.txt'), 'x');
  services.clock.advance(DAY_MS);
  await sealed(device);
  expect(await device.openAlerts()).toEqual(['suspicious']);

  for (const [name, text] of Object.entries(many)) writeFileSync(join(device.source, name), text);
  services.clock.advance(DAY_MS);
  await sealed(device);
  expect(await device.openAlerts()).toEqual([]);
});

test('a sequence that forks pauses both machines, tells, and after a day without another fork lets the one go on', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
  const beat = async (sequence: number) =>
    await recordHeartbeat(services, device.scope, {
      sequence,
      agentVersion: '0.1.0',
      policyVersion: 0,
      running: null,
      commandIds: [],
    });
  const start = async () =>
    await startRun(services, device.scope, {
      sourceId: device.enrolled.source.id,
      trigger: 'manual',
      occurrenceId: null,
      commandId: null,
    });
  for (const sequence of [1, 2, 3]) await beat(sequence);
  await start();
  expect(await device.openAlerts()).toEqual([]);

  // The copy begins where it was taken: the number 3 comes a second time.
  await beat(3);
  expect(await device.openAlerts()).toEqual(['clone']);
  await expect(start()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Two machines') });
  expect((await beat(4)).due).toBeNull();
  services.clock.advance(DAY_MS - 3_600_000);
  await beat(4); // the copy again: the day begins anew
  services.clock.advance(DAY_MS - 3_600_000);
  await beat(5);
  await expect(start()).rejects.toMatchObject({ code: 'conflict' });
  expect(await device.openAlerts()).toContain('clone');

  services.clock.advance(2 * 3_600_000);
  await beat(6);
  expect(await device.openAlerts()).not.toContain('clone');
  await start();
});
