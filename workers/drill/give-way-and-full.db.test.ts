/** Drills that stand back for a backup, and drills of everything: on real vaults, with the real child. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../core/storage/port.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

const drillsOf = async (device: TestDevice) =>
  await device.sql((tx) => tx.drill.findMany({ where: { tenantId: device.tenant.id }, orderBy: { createdAt: 'asc' } }));

async function newestDrill(device: TestDevice) {
  return (await drillsOf(device)).at(-1)!;
}

describe('a drill that reads from the storage when its device begins a backup', () => {
  /** What waits for a later time is due now. */
  const hurry = async (device: TestDevice) =>
    await device.sql((tx) =>
      tx.jobIntent.updateMany({
        where: { tenantId: device.tenant.id, kind: 'drill', state: 'waiting' },
        data: { runAfter: new Date(0) },
      }),
    );

  test('stops, waits unblamed until the backup is over, and then proves the point', async () => {
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'large.bin': randomBytes(3_000_000) });
    await device.backUp();
    services.clock.advance(60_000);
    const { drillId } = await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
    const cut: string[] = [];
    const store: ObjectStore = {
      ...services.store,
      get: async (key, range) => {
        if (!key.includes('/data/')) return await services.store.get(key, range);
        cut.push(key);
        if (cut.length === 1)
          await startRun(services, device.scope, {
            ...{ sourceId: device.enrolled.source.id, trigger: 'manual', occurrenceId: null, commandId: null },
          });
        // A storage so slow that the backup has begun long before this is read.
        return await new Promise<never>(() => undefined);
      },
    };
    expect(await workThrough({ ...services, store }, device.tenant, ['drill'])).toEqual(['done']);
    expect(cut.length).toBeGreaterThan(0);
    const postponed = { id: drillId, state: 'queued', startedAt: null, steps: [], filesDone: 0, bytesDone: 0n };
    expect(await newestDrill(device)).toMatchObject(postponed);
    expect(readdirSync(services.env.HOLDFAST_SCRATCH_PATH)).toEqual([]);
    const intent = async () =>
      await device.sql((tx) =>
        tx.jobIntent.findFirstOrThrow({
          where: { tenantId: device.tenant.id, kind: 'drill', state: 'waiting' },
        }),
      );
    const waiting = await intent();
    expect(waiting).toMatchObject({ attempt: 0, crashes: 0, error: null });
    expect(waiting.runAfter.getTime()).toBeGreaterThan(Date.now());

    // It looks again, and waits on as long as the backup runs.
    await hurry(device);
    expect(await device.work(['drill'])).toEqual(['done']);
    expect(await newestDrill(device)).toMatchObject(postponed);

    const { result } = await device.commit();
    await device.work(['seal', 'verify']);
    expect((await device.point(result.snapshotId)).levelPassed).toBe(1);
    await hurry(device);
    expect(await device.work(['drill'])).toEqual(['done']);
    const drills = await drillsOf(device);
    expect(drills.map(({ id, state }) => [id, state])).toEqual([
      [drills[0]!.id, 'passed'],
      [drillId, 'passed'],
    ]);
    expect(await device.openAlerts()).toEqual([]);
  });
});

describe('a drill of everything', () => {
  test('restores every file, measures how long that took, and finds damage in what no witness tells of', async () => {
    const device = await TestDevice.enrol(services, {
      'canary.txt': 'sing',
      'folder/note.txt': 'a note',
      empty: '',
      'large.bin': randomBytes(3_000_000),
    });
    await device.setPolicy({ drill: { level: 3, everyHours: 24, sampleFiles: 1, scope: 'full' } });
    // All that the machine tells of is the canary.
    const sha256 = createHash('sha256').update('sing').digest('hex');
    const canary = { path: path.join(device.source, 'canary.txt'), size: 4, sha256, role: 'canary' as const };
    const { result } = await device.backUp({ manifest: { witness: [canary] } });
    const first = await newestDrill(device);
    expect(first).toMatchObject({
      ...{ state: 'passed', scope: 'full', filesPlanned: 1, filesMatched: 1, filesDone: 4, bytesDone: 3_000_010n },
      // Measured, so it is not estimated.
      rtoEstimatedMs: null,
    });
    expect((first.timings as { total: number }).total).toBeGreaterThanOrEqual(0);
    expect(await device.point(result.snapshotId)).toMatchObject({ levelPassed: 3 });

    const packs = await device.sql((tx) =>
      tx.storedObject.findMany({
        where: { tenantId: device.tenant.id, kind: 'data_pack' },
        orderBy: { size: 'desc' },
      }),
    );
    device.damage(packs[0]!.key, 'flip');
    const again = async (scope: 'sample' | 'full') => {
      services.clock.advance(60_000);
      await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId, scope });
      await device.work(['drill']);
      return await newestDrill(device);
    };
    // A sample has the canary alone, which is sound.
    expect(await again('sample')).toMatchObject({ state: 'passed', filesMatched: 1 });
    const full = await again('full');
    expect(full).toMatchObject({
      state: 'failed',
      filesMatched: 1,
      mismatches: [{ path: path.join(device.source, 'large.bin'), problem: 'damaged' }],
    });
    expect(full.errorMessage).toContain('large.bin');
    expect((await device.point(result.snapshotId)).state).toBe('quarantined');
  });
});
