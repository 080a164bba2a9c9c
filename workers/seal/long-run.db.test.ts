/** F28: a machine that slept for days in the middle of its run. Nothing of what was there before is taken on trust. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice } from '../testing/test-device.ts';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

/** Three days pass while the run sends its objects. */
async function commitAsleep(device: TestDevice, meanwhile: () => Promise<void>) {
  let hasSlept = false;
  const slept: Promise<void>[] = [];
  const committed = await device.commit({
    withhold: () => {
      if (!hasSlept) {
        services.clock.advance(3 * 86_400_000);
        slept.push(meanwhile());
      }
      hasSlept = true;
      return false;
    },
  });
  await Promise.all(slept);
  await device.work(['seal']);
  return committed;
}

test('a run that slept for three days is sealed when all that it builds on is still there, and is refused when a pack is gone', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'large.bin': randomBytes(200_000) });
  const first = await device.commit();
  await device.work(['seal']);
  expect(await device.run(first.runId)).toMatchObject({ state: 'sealed' });

  writeFileSync(join(device.source, 'new.txt'), 'one');
  const second = await commitAsleep(device, async () => undefined);
  expect(await device.run(second.runId)).toMatchObject({ state: 'sealed' });

  const old = first.result.added.find(({ kind }) => kind === 'data_pack');
  writeFileSync(join(device.source, 'new.txt'), 'two');
  const third = await commitAsleep(
    device,
    async () => await services.store.remove(`${device.vaultPrefix}/${old?.key ?? 'none'}`),
  );
  const run = await device.run(third.runId);
  expect(run).toMatchObject({ state: 'failed', errorCode: 'object_missing' });
  expect(run.errorMessage).toContain(old?.key);
  expect(await device.openAlerts()).toContain('run_failed');
});
