/** Level 3 on real vaults: what is proven was restored and compared; everything else is a failure or void, never green. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import { DRILL_LIMITS } from '../../core/domain/drills.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';

let services: StartedServices;
const CANARY_SHA256 = createHash('sha256').update('the canary').digest('hex');
const files: Record<string, string | Uint8Array> = { 'canary.txt': 'sing', empty: '' };
for (let n = 0; n < 20; n++) files[`folder/file-${n}.txt`] = `contents of ${n} `.repeat(n * 50);

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

async function newestDrill(device: TestDevice) {
  return await device.sql((tx) =>
    tx.drill.findFirstOrThrow({ where: { tenantId: device.tenant.id }, orderBy: { createdAt: 'desc' } }),
  );
}

/** A second drill of a proven device, later. */
async function drillAgain(device: TestDevice, store: ObjectStore = services.store) {
  services.clock.advance(60_000);
  await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
  const ends = await workThrough({ ...services, store }, device.tenant, ['drill']);
  return { ends, drill: await newestDrill(device) };
}

describe('a drill', () => {
  test('of a sound point passes, with evidence of what was compared', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    const drill = await newestDrill(device);
    expect(drill).toMatchObject({
      state: 'passed',
      level: 3,
      trigger: 'after_seal',
      mismatches: [],
      errorMessage: null,
    });
    // The policy samples five files, beside the canary.
    expect(drill.filesPlanned).toBe(6);
    expect(drill.filesMatched).toBe(6);
    const steps = drill.steps as { state: string }[];
    expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
    expect(Object.keys(drill.timings as object).sort()).toEqual([
      'checks',
      'firstByte',
      'locate',
      'provision',
      'queue',
      'total',
      'transfer',
    ]);
    const evidence = drill.evidence as {
      verdict: string;
      snapshotId: string;
      confinement: string[];
      selection: { files: { path: string; role: string; sha256: string }[] };
    };
    expect(evidence).toMatchObject({ verdict: 'passed', snapshotId: result.snapshotId });
    expect(evidence.confinement).toContain('permission-model');
    expect(evidence.selection.files[0]).toMatchObject({ role: 'canary', path: `${device.source}/canary.txt` });
    expect(await device.point(result.snapshotId)).toMatchObject({ levelPassed: 3 });
    expect(readdirSync(services.env.HOLDFAST_SCRATCH_PATH)).toEqual([]);
  });
  test('is not made for every backup, but when the interval is over', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    services.clock.advance(3_600_000);
    const second = await device.backUp();
    expect((await device.point(second.result.snapshotId)).levelPassed).toBe(1);
    services.clock.advance(24 * 3_600_000);
    const third = await device.backUp();
    expect((await device.point(third.result.snapshotId)).levelPassed).toBe(3);
  });
  test('finds a file that did not come back as the machine saw it', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp({
      manifest: {
        witness: [{ path: `${'x'}`, size: 1, sha256: '0'.repeat(64), role: 'sample' }],
      },
    });
    // A witness outside of the snapshot: nothing came back.
    expect(await newestDrill(device)).toMatchObject({ state: 'failed', mismatches: [{ problem: 'missing' }] });
    expect(await device.point(result.snapshotId)).toMatchObject({
      state: 'quarantined',
      isUsable: false,
      levelPassed: 1,
    });
    expect(await device.openAlerts()).toEqual(['drill_failed']);
  });
  test('compares contents: a witness of other bytes fails it, and the next good drill closes the alert', async () => {
    const device = await TestDevice.enrol(services, files);
    const lie = { path: `${device.source}/canary.txt`, size: 4, sha256: '1'.repeat(64), role: 'canary' as const };
    const bad = await device.backUp({ manifest: { witness: [lie] } });
    const drill = await newestDrill(device);
    expect(drill).toMatchObject({
      state: 'failed',
      filesMatched: 0,
      mismatches: [{ path: lie.path, problem: 'content' }],
    });
    expect((drill.steps as { state: string }[]).at(-1)?.state).toBe('failed');
    expect((await device.point(bad.result.snapshotId)).quarantineReason).toContain('restore test failed');
    expect(await device.openAlerts()).toEqual(['drill_failed']);
    services.clock.advance(60_000);
    const good = await device.backUp();
    expect((await device.point(good.result.snapshotId)).levelPassed).toBe(3);
    expect(await device.openAlerts()).toEqual([]);
    expect((await device.point(bad.result.snapshotId)).state).toBe('quarantined');
  });
  test('of a damaged pack fails, finds the object, and locks away who needs it', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    for (const { key, kind } of result.added) if (kind === 'data_pack') device.damage(key, 'delete');
    const { drill } = await drillAgain(device);
    expect(drill.state).toBe('failed');
    expect((drill.mismatches as { problem: string }[]).some(({ problem }) => problem === 'damaged')).toBe(true);
    expect((await device.point(result.snapshotId)).state).toBe('quarantined');
    await device.work();
    expect(await device.openAlerts()).toEqual(['damage', 'drill_failed']);
  });
  test('of a vault that the drill key does not open fails', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const keys = await device.sql((tx) =>
      tx.storedObject.findMany({ where: { tenantId: device.tenant.id, kind: 'key' } }),
    );
    for (const { key } of keys) device.damage(key, 'delete');
    const { drill } = await drillAgain(device);
    expect(drill).toMatchObject({ state: 'failed' });
    expect(drill.errorMessage).toContain('key');
  });
});

describe('what is not the fault of the data is void', () => {
  test('a store that does not answer: void, no alert, the point stays; tried again later', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    const store: ObjectStore = {
      ...services.store,
      get: () => Promise.reject(new HoldfastError('storage_unavailable', 'The store is away.')),
    };
    const { drill, ends } = await drillAgain(device, store);
    expect(ends).toEqual(['done']);
    expect(drill.state).toBe('void');
    expect(drill.errorMessage).toContain('The store is away.');
    expect(await device.point(result.snapshotId)).toMatchObject({ state: 'sealed', isUsable: true });
    expect(await device.openAlerts()).toEqual([]);
  });
  test('a store that takes requests and never answers: void however often, for the restore waited and broke down nowhere', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const store: ObjectStore = { ...services.store, get: async () => await new Promise<never>(() => undefined) };
    const sandbox = { childFile: path.join(import.meta.dirname, '../sandbox/child.ts'), wallClockMs: 4000 };
    for (let times = 0; times < DRILL_LIMITS.breakdownsMax; times++) {
      services.clock.advance(60_000);
      await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
      expect(await workThrough({ ...services, store }, device.tenant, ['drill'], undefined, sandbox)).toEqual(['done']);
      expect(await newestDrill(device)).toMatchObject({ state: 'void' });
    }
    expect(await device.openAlerts()).toEqual([]);
  });
  test('a point without anything to compare is void, never passed', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp({ manifest: { witness: [] } });
    expect(await newestDrill(device)).toMatchObject({ state: 'void', filesMatched: 0 });
    expect((await device.point(result.snapshotId)).levelPassed).toBe(1);
  });
  test('a worker that stops gives the drill back, and it is made again', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    services.clock.advance(60_000);
    await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
    const stop = new AbortController();
    const store: ObjectStore = {
      ...services.store,
      get: async () => {
        stop.abort();
        return await new Promise(() => undefined);
      },
    };
    expect(await workThrough({ ...services, store }, device.tenant, ['drill'], stop.signal)).toContain('released');
    expect((await newestDrill(device)).state).toBe('running');
    await device.work(['drill']);
    expect((await newestDrill(device)).state).toBe('passed');
    expect(readdirSync(services.env.HOLDFAST_SCRATCH_PATH)).toEqual([]);
  });
});

describe('a sandbox child that breaks down or lies', () => {
  const MISBEHAVE = path.join(import.meta.dirname, '../sandbox/testing/misbehave.ts');
  test.each([
    ['exit', 'void'],
    ['kill', 'void'],
    ['heap', 'void'],
    ['garbage', 'void'],
    ['traversal', 'void'],
    ['nonsense', 'void'],
    // It says that all was restored, and nothing was: the parent looks for itself.
    ['lie', 'failed'],
  ] as const)('%s: the drill is %s, and the worker does the next one', async (act, expected) => {
    const device = await TestDevice.enrol(services, { [act]: 'the canary' });
    const canary = { path: `${device.source}/${act}`, size: 10, sha256: CANARY_SHA256, role: 'canary' as const };
    await device.commit({ manifest: { witness: [canary] } });
    await device.work(['seal', 'verify']);
    const ends = await workThrough(services, device.tenant, ['drill'], undefined, { childFile: MISBEHAVE });
    expect(ends).toEqual(['done']);
    expect(await newestDrill(device)).toMatchObject({ state: expected, filesMatched: 0 });
    const [point] = await device.sql((tx) => tx.restorePoint.findMany({ where: { tenantId: device.tenant.id } }));
    expect(point!.levelPassed).toBe(1);
    if (expected === 'failed') return;
    await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
    services.clock.advance(1000);
    await device.work(['drill']);
    expect((await device.point(point!.snapshotId)).levelPassed).toBe(3);
  });
});

describe('asking for a drill', () => {
  test('is refused for a point that is locked away, for customers, and where the service lost its key', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    const point = await device.point(result.snapshotId);
    const ask = async (scope = device.tenant.owner) =>
      await requestDrill(services, scope, { restorePointId: point.id });
    await expect(ask(device.tenant.customers[0].viewer)).rejects.toMatchObject({ code: 'forbidden' });
    await device.sql((tx) =>
      tx.restorePoint.updateMany({
        where: { tenantId: device.tenant.id },
        data: { state: 'quarantined', isUsable: false, quarantineReason: 'test' },
      }),
    );
    await expect(ask()).rejects.toMatchObject({ code: 'vault_quarantined' });
    await device.sql(async (tx) => {
      await tx.restorePoint.updateMany({
        where: { tenantId: device.tenant.id },
        data: { state: 'sealed', isUsable: true, quarantineReason: null },
      });
      await tx.vault.updateMany({
        where: { tenantId: device.tenant.id },
        data: { drillPasswordSealed: null },
      });
    });
    await expect(ask()).rejects.toMatchObject({ code: 'bad_request' });
  });
});
