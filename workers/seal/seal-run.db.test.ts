/** From a commit to a restore point, and every way in which it must not become one. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ManifestObject } from '../../core/protocol/manifest.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';

let services: StartedServices;
const files = { 'canary.txt': 'sing', 'a/one.txt': 'one', 'a/two.bin': Buffer.alloc(300_000, 7) };

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

const is = (kind: ManifestObject['kind']) => (object: ManifestObject) => object.kind === kind;

async function expectNothingSealed(device: TestDevice, runId: string): Promise<void> {
  const points = await device.sql((tx) => tx.restorePoint.count({ where: { tenantId: device.tenant.id, runId } }));
  expect(points).toBe(0);
  const { state, outcome } = await device.run(runId);
  expect({ state, outcome }).toEqual({ state: 'failed', outcome: 'failed' });
  expect(await device.openAlerts()).toEqual(['run_failed']);
}

describe('a good commit', () => {
  test('becomes a restore point that is verified, drilled and rolled up, and staging is empty', async () => {
    const device = await TestDevice.enrol(services, files);
    services.clock.advance(60_000);
    const { runId, result } = await device.backUp();
    expect(await device.run(runId)).toMatchObject({ state: 'sealed', outcome: 'ok', snapshotId: result.snapshotId });
    const point = await device.point(result.snapshotId);
    expect(point).toMatchObject({ state: 'sealed', outcome: 'ok', isUsable: true, levelPassed: 3 });
    expect(point.verifiedAt).not.toBeNull();
    expect(point.drilledAt).not.toBeNull();
    const months = await device.sql((tx) => tx.sourceMonth.count({ where: { tenantId: device.tenant.id } }));
    expect(months).toBe(1);
    for await (const { key } of services.store.list(`staging/${device.tenant.id}/`)) expect(key).toBe('nothing');
    const objects = await device.sql((tx) => tx.storedObject.findMany({ where: { tenantId: device.tenant.id } }));
    expect(objects.every(({ state, verifiedAt }) => state === 'sealed' && verifiedAt !== null)).toBe(true);
    expect(await device.openAlerts()).toEqual([]);
  });
  test('done again, by a second delivery or after a crash before its record, has one effect', async () => {
    const device = await TestDevice.enrol(services, files);
    const { runId, result } = await device.commit();
    expect(await device.work(['seal'])).toEqual(['done']);
    const count = () =>
      device.sql(async (tx) => ({
        points: await tx.restorePoint.count({ where: { tenantId: device.tenant.id } }),
        verifications: await tx.verification.count({ where: { tenantId: device.tenant.id } }),
      }));
    const once = await count();
    // The record is lost, the objects are placed: as if the worker had died between the two.
    await device.sql(async (tx) => {
      await tx.jobIntent.updateMany({
        where: { tenantId: device.tenant.id, kind: 'seal' },
        data: { state: 'waiting', finishedAt: null },
      });
    });
    expect(await device.work(['seal'])).toEqual(['done']);
    expect(await count()).toEqual(once);
    expect(await device.run(runId)).toMatchObject({ state: 'sealed' });
    expect((await device.point(result.snapshotId)).state).toBe('sealed');
  });
  test('resolves its expected occurrence', async () => {
    const device = await TestDevice.enrol(services, files);
    const occurrence = await device.sql((tx) =>
      tx.expectedOccurrence.findFirstOrThrow({ where: { tenantId: device.tenant.id } }),
    );
    const { runId } = await device.backUp({ occurrenceId: occurrence.id });
    const resolved = await device.sql((tx) =>
      tx.expectedOccurrence.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: occurrence.id } }),
    );
    expect(resolved).toMatchObject({ outcome: 'ok', runId });
  });
  test('with unread items is partial, and counts only within the tolerance', async () => {
    const device = await TestDevice.enrol(services, files);
    const unread = { path: '/x', reason: 'read_error' as const, message: 'EIO' };
    const small = await device.backUp({
      manifest: { unread: [{ ...unread, bytes: 10 }], unreadCount: 1, unreadBytes: 10 },
    });
    expect(await device.run(small.runId)).toMatchObject({ state: 'sealed', outcome: 'partial' });
    expect(await device.point(small.result.snapshotId)).toMatchObject({ outcome: 'partial', isUsable: true });
    const large = await device.backUp({
      manifest: { unread: [{ ...unread, bytes: 100_000 }], unreadCount: 1, unreadBytes: 100_000 },
    });
    expect(await device.point(large.result.snapshotId)).toMatchObject({ outcome: 'partial', isUsable: false });
  });
  test('from a clock that runs ahead is not younger than its arrival', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp({ manifest: { captureMs: services.clock.nowMs() + 3_600_000 } });
    const point = await device.point(result.snapshotId);
    expect(point.captureAt.getTime()).toBeLessThanOrEqual(point.committedAt.getTime());
  });
});

describe('a bad commit never becomes a restore point', () => {
  test.each(['data_pack', 'tree_pack', 'index', 'snapshot'] as const)('a %s that never arrived', async (kind) => {
    const device = await TestDevice.enrol(services, files);
    const { runId } = await device.backUp({ withhold: is(kind) });
    await expectNothingSealed(device, runId);
    expect((await device.run(runId)).errorCode).toBe('object_missing');
    const missing = await device.sql((tx) =>
      tx.storedObject.findMany({ where: { tenantId: device.tenant.id, state: 'missing' } }),
    );
    expect(new Set(missing.map((object) => object.kind))).toEqual(new Set([kind]));
  });
  test.each(['data_pack', 'tree_pack', 'index', 'snapshot'] as const)('a %s whose bytes do not match', async (kind) => {
    const device = await TestDevice.enrol(services, files);
    const { runId } = await device.backUp({ corrupt: is(kind) });
    await expectNothingSealed(device, runId);
    expect((await device.run(runId)).errorCode).toBe('object_mismatch');
    const snapshots = path.join(services.storeRoot, device.vaultPrefix, 'snapshots');
    expect(existsSync(snapshots)).toBe(false);
  });
  test('a manifest that was changed after it was signed', async () => {
    const device = await TestDevice.enrol(services, files);
    const { runId } = await device.commit();
    const admin = new pg.Client({ connectionString: services.database.databaseUrl });
    await admin.connect();
    await admin.query(
      `UPDATE run_manifest SET text = replace(text, '"unreadCount":0', '"unreadCount":1') WHERE run_id = $1`,
      [runId],
    );
    await admin.end();
    await device.work();
    await expectNothingSealed(device, runId);
    expect((await device.run(runId)).errorCode).toBe('commit_invalid');
  });
  test('what was sealed before stays as it was, and the next good run closes the alert', async () => {
    const device = await TestDevice.enrol(services, files);
    const first = await device.backUp();
    const before = await device.point(first.result.snapshotId);
    writeFileSync(path.join(device.source, 'new.txt'), 'new');
    const bad = await device.backUp({ withhold: is('data_pack') });
    await expectNothingSealed(device, bad.runId);
    expect(await device.point(first.result.snapshotId)).toEqual(before);
    const badObjects = await device.sql((tx) =>
      tx.storedObject.count({
        where: { tenantId: device.tenant.id, sealedAt: { not: null }, state: { not: 'sealed' } },
      }),
    );
    expect(badObjects).toBe(0);
    await device.forget(bad.result);
    const good = await device.backUp();
    expect(await device.run(good.runId)).toMatchObject({ state: 'sealed' });
    expect(await device.openAlerts()).toEqual([]);
  });
  test('a store that does not answer postpones the seal; it fails nothing', async () => {
    const device = await TestDevice.enrol(services, files);
    const { runId } = await device.commit();
    const { head } = services.store;
    const away = { ...services, store: { ...services.store, head: () => Promise.reject(new Error('away')) } };
    expect(await workThrough(away, device.tenant, ['seal'])).toEqual(['retried']);
    expect(await device.run(runId)).toMatchObject({ state: 'committed', outcome: null });
    expect(services.store.head).toBe(head);
    await device.sql((tx) =>
      tx.jobIntent.updateMany({ where: { tenantId: device.tenant.id, kind: 'seal' }, data: { runAfter: new Date(0) } }),
    );
    expect(await device.work(['seal'])).toEqual(['done']);
    expect(await device.run(runId)).toMatchObject({ state: 'sealed' });
  });
});
