/** Level 1 on real vaults: every kind of damage is found, locks away what needs it and nothing else, and is never green. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { viewIntegrity } from '../../server/integrity/queries.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { loadSummaries } from '../../server/fleet/summaries.ts';
import { requestVerification } from '../../server/verification/request-verification.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';

let services: StartedServices;

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

/** Two points of one vault: the second brings packs of its own. */
async function twoPoints() {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'old.bin': Buffer.alloc(200_000, 1) });
  const first = await device.backUp();
  services.clock.advance(3_600_000);
  writeFileSync(path.join(device.source, 'new.bin'), Buffer.alloc(100_000, 2));
  const second = await device.backUp();
  const own = second.result.packIds.filter((id) => !first.result.packIds.includes(id));
  const shared = second.result.packIds.filter((id) => first.result.packIds.includes(id));
  return { device, first: first.result, second: second.result, own, shared };
}

const packKey = (id: string) => `data/${id.slice(0, 2)}/${id}`;

async function verify(device: TestDevice, snapshotId: string) {
  const point = await device.point(snapshotId);
  const { verificationId } = await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
  await device.work();
  return await device.sql((tx) =>
    tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
  );
}

async function light(device: TestDevice): Promise<string> {
  const [summary] = await withScope(services, device.tenant.owner, (tx) =>
    loadSummaries(tx, device.tenant.owner, services.clock.nowMs(), { deviceId: device.enrolled.deviceId }),
  );
  return summary!.protection.state;
}

describe('damage', () => {
  test.each(['flip', 'cut', 'delete'] as const)('a pack that was hurt (%s) after its seal', async (how) => {
    const { device, first, second, own } = await twoPoints();
    expect(await light(device)).toBe('proven');
    const key = packKey(own[0]!);
    device.damage(key, how);
    const verification = await verify(device, second.snapshotId);
    const problem = how === 'delete' ? 'missing' : 'damaged';
    expect(verification).toMatchObject({ state: 'failed', findings: [{ key, problem }] });
    expect(await device.point(second.snapshotId)).toMatchObject({ state: 'quarantined', isUsable: false });
    expect(await device.point(first.snapshotId)).toMatchObject({ state: 'sealed', isUsable: true, levelPassed: 3 });
    const object = await device.sql((tx) =>
      tx.storedObject.findFirstOrThrow({ where: { tenantId: device.tenant.id, key } }),
    );
    expect(object.state).toBe(problem);
    expect(await device.openAlerts()).toEqual(['damage']);
    expect(await light(device)).toBe('damaged');
  });
  test('of a pack that all points need locks all of them away', async () => {
    const { device, first, second, shared } = await twoPoints();
    device.damage(packKey(shared[0]!), 'flip');
    expect((await verify(device, second.snapshotId)).state).toBe('failed');
    for (const { snapshotId } of [first, second]) expect((await device.point(snapshotId)).state).toBe('quarantined');
  });
  test('of an index file locks away the points that need what it alone lists', async () => {
    const { device, first, second } = await twoPoints();
    const index = second.added.find(({ kind }) => kind === 'index')!;
    device.damage(index.key, 'flip');
    expect((await verify(device, second.snapshotId)).state).toBe('failed');
    expect((await device.point(first.snapshotId)).state).toBe('sealed');
    expect((await device.point(second.snapshotId)).state).toBe('quarantined');
  });
  test('of the config locks all away; of one key file of two it alarms, and locks nothing away', async () => {
    const { device, first, second } = await twoPoints();
    const keys = await device.sql((tx) =>
      tx.storedObject.findMany({ where: { tenantId: device.tenant.id, kind: 'key' } }),
    );
    device.damage(keys[0]!.key, 'flip');
    expect((await verify(device, second.snapshotId)).state).toBe('failed');
    expect((await device.point(second.snapshotId)).state).toBe('sealed');
    expect(await light(device)).toBe('damaged');
    device.damage('config', 'flip');
    expect((await verify(device, second.snapshotId)).state).toBe('failed');
    for (const { snapshotId } of [first, second]) expect((await device.point(snapshotId)).state).toBe('quarantined');
  });
  test('that is repaired releases the point, and closes the alert', async () => {
    const { device, second, own } = await twoPoints();
    const file = device.fileOf(packKey(own[0]!));
    const good = readFileSync(file);
    device.damage(packKey(own[0]!), 'flip');
    await verify(device, second.snapshotId);
    expect((await device.point(second.snapshotId)).state).toBe('quarantined');
    writeFileSync(file, good);
    expect((await verify(device, second.snapshotId)).state).toBe('passed');
    expect(await device.point(second.snapshotId)).toMatchObject({
      state: 'sealed',
      isUsable: true,
      quarantineReason: null,
    });
    expect(await device.openAlerts()).toEqual([]);
    expect(await light(device)).not.toBe('damaged');
  });
  test('a reading that was wrong once is no damage, and is told', async () => {
    const { device, second, own } = await twoPoints();
    const wrongOnce = new Set(own.map((id) => `${device.vaultPrefix}/${packKey(id)}`));
    const store: ObjectStore = {
      ...services.store,
      async *stream(key) {
        let isWrong = wrongOnce.delete(key);
        for await (const piece of services.store.stream(key)) {
          const copy = Uint8Array.from(piece);
          if (isWrong) copy[0]! ^= 1;
          isWrong = false;
          yield copy;
        }
      },
    };
    const point = await device.point(second.snapshotId);
    const { verificationId } = await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    expect(await workThrough({ ...services, store }, device.tenant, ['verify'])).toEqual(['done']);
    expect(wrongOnce.size).toBe(0);
    const done = await device.sql((tx) =>
      tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
    );
    expect(done).toMatchObject({ state: 'passed', findings: [], readTwice: own.length });
    expect(await device.openAlerts()).toEqual([]);
    expect((await viewIntegrity(services, device.tenant.owner)).readTwice).toEqual([
      { deviceId: device.enrolled.deviceId, deviceName: expect.any(String), objects: own.length },
    ]);
  });
});

describe('a verification', () => {
  test('reads every byte that the point needs, and says so', async () => {
    const { device, second } = await twoPoints();
    const verification = await verify(device, second.snapshotId);
    expect(verification.state).toBe('passed');
    expect(verification.objectsDone).toBe(verification.objectsTotal);
    expect(verification.bytesDone).toBe(verification.bytesTotal);
    const index = await device.sql((tx) =>
      tx.storedObject.count({ where: { tenantId: device.tenant.id, kind: 'index' } }),
    );
    // Packs, every index, two keys, config, snapshot.
    expect(verification.objectsTotal).toBe(second.packIds.length + index + 2 + 1 + 1);
  });
  test('that is interrupted goes on where it was, and ends once', async () => {
    const { device, second } = await twoPoints();
    const point = await device.point(second.snapshotId);
    const { verificationId } = await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    const reads: string[] = [];
    const store: ObjectStore = {
      ...services.store,
      async *stream(key) {
        reads.push(key);
        services.clock.advance(1000);
        // What was read before the pause is recorded; then the store goes away.
        if (reads.length === 5) await new Promise((resolve) => setTimeout(resolve, 1200));
        if (reads.length > 5) throw new HoldfastError('storage_unavailable', 'The store is away.');
        yield* services.store.stream(key);
      },
    };
    expect(await workThrough({ ...services, store }, device.tenant, ['verify'])).toEqual(['retried']);
    const halfway = await device.sql((tx) =>
      tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
    );
    expect(halfway).toMatchObject({ state: 'running', finishedAt: null });
    expect(await device.openAlerts()).toEqual([]);
    await device.sql((tx) =>
      tx.jobIntent.updateMany({
        where: { tenantId: device.tenant.id, kind: 'verify' },
        data: { runAfter: new Date(0) },
      }),
    );
    const again: string[] = [];
    const good: ObjectStore = {
      ...services.store,
      stream: (key) => {
        again.push(key);
        return services.store.stream(key);
      },
    };
    expect(await workThrough({ ...services, store: good }, device.tenant, ['verify'])).toEqual(['done']);
    const ended = await device.sql((tx) =>
      tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
    );
    expect(ended).toMatchObject({ state: 'passed', objectsDone: halfway.objectsTotal, bytesDone: halfway.bytesTotal });
    expect(again.length).toBeGreaterThan(0);
    expect(again.length).toBeLessThan(halfway.objectsTotal);
    expect(new Set([...reads, ...again]).size).toBe(halfway.objectsTotal);
  });
  test('that failed for good is void, not a verdict', async () => {
    const { device, second } = await twoPoints();
    const point = await device.point(second.snapshotId);
    const { verificationId } = await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    const store: ObjectStore = {
      ...services.store,
      stream: () => {
        throw new HoldfastError('storage_unavailable', 'The store is away.');
      },
    };
    for (let attempt = 0; attempt < 5; attempt++) {
      await device.sql((tx) =>
        tx.jobIntent.updateMany({
          where: { tenantId: device.tenant.id, kind: 'verify' },
          data: { runAfter: new Date(0) },
        }),
      );
      await workThrough({ ...services, store }, device.tenant, ['verify']);
    }
    const ended = await device.sql((tx) =>
      tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
    );
    expect(ended).toMatchObject({ state: 'void', errorMessage: 'The store is away.' });
    expect((await device.point(second.snapshotId)).state).toBe('sealed');
    expect(await device.openAlerts()).toEqual([]);
  });
  test('asked for twice is one; of a foreign tenant is not found', async () => {
    const { device, second } = await twoPoints();
    const point = await device.point(second.snapshotId);
    const ask = async () => await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    expect((await ask()).verificationId).toBe((await ask()).verificationId);
    const other = await TestDevice.enrol(services, { x: 'x' });
    await expect(requestVerification(services, other.tenant.owner, { restorePointId: point.id })).rejects.toMatchObject(
      { code: 'not_found' },
    );
    await expect(
      requestVerification(services, device.tenant.customers[0].viewer, { restorePointId: point.id }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
  test('a worker whose claim was taken away can record nothing', async () => {
    const { device, second } = await twoPoints();
    const point = await device.point(second.snapshotId);
    const { verificationId } = await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    const store: ObjectStore = {
      ...services.store,
      async *stream(key) {
        // While it reads, the reconciler gives its job to another worker.
        await device.sql((tx) =>
          tx.jobIntent.updateMany({
            where: { tenantId: device.tenant.id, kind: 'verify', state: 'running' },
            data: { fence: { increment: 1 } },
          }),
        );
        yield* services.store.stream(key);
      },
    };
    expect(await workThrough({ ...services, store }, device.tenant, ['verify'])).toEqual(['lost']);
    const left = await device.sql((tx) =>
      tx.verification.findFirstOrThrow({ where: { tenantId: device.tenant.id, id: verificationId } }),
    );
    expect(left.state).toBe('running');
  });
});

test('what a verification compares with is the name itself', async () => {
  const device = await TestDevice.enrol(services, { a: 'a' });
  const { result } = await device.backUp();
  for (const id of result.packIds)
    expect(
      createHash('sha256')
        .update(readFileSync(device.fileOf(packKey(id))))
        .digest('hex'),
    ).toBe(id);
});
