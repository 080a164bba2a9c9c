import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../core/storage/port.ts';
import { acceptLoss } from '../../server/damage/accept-loss.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { PROBLEM_TEXTS } from '../../server/verification/quarantine-points.ts';
import { requestVerification } from '../../server/verification/request-verification.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

const DAY_MS = 24 * 3600_000;
let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

async function protectedDevice(): Promise<TestDevice> {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'old.bin': randomBytes(200_000) });
  await device.backUp();
  await sweep(device); // the rotation of the vault begins
  return device;
}

async function sweep(device: TestDevice): Promise<void> {
  await withScope(
    services,
    device.tenant.system,
    (tx) =>
      tx.$executeRaw`INSERT INTO job_intent (tenant_id, id, kind, queue, payload, state)
      VALUES (${device.tenant.id}::uuid, gen_random_uuid(), 'schedule-sweep', 'control', '{}', 'waiting')`,
  );
  expect(await device.work(['schedule-sweep'])).toEqual(['done']);
}

/** Makes the rolling check of a level due, orders it and does it. */
async function turn(device: TestDevice, level: 0 | 1 | 2, store?: ObjectStore) {
  const due = { 0: 'listingDueAt', 1: 'readingDueAt', 2: 'decryptingDueAt' }[level];
  await device.sql((tx) =>
    tx.vaultCheck.updateMany({
      where: { tenantId: device.tenant.id },
      data: { [due]: new Date(services.clock.nowMs() - 1) },
    }),
  );
  services.clock.advance(1000);
  await sweep(device);
  await (store === undefined
    ? device.work(['verify'])
    : workThrough({ ...services, store }, device.tenant, ['verify']));
  return await newest(device, level);
}

async function newest(device: TestDevice, level: number) {
  return await device.sql((tx) =>
    tx.verification.findFirstOrThrow({
      where: { tenantId: device.tenant.id, purpose: 'rolling', level },
      orderBy: { createdAt: 'desc' },
    }),
  );
}

async function objects(device: TestDevice) {
  return await device.sql((tx) =>
    tx.storedObject.findMany({ where: { tenantId: device.tenant.id, sealedAt: { not: null } } }),
  );
}

describe('a listing', () => {
  test('of an intact vault passes without a byte read, and says since when', async () => {
    const device = await protectedDevice();
    const read: string[] = [];
    const store: ObjectStore = {
      ...services.store,
      get: (key, range) => (read.push(key), services.store.get(key, range)),
      stream: (key) => (read.push(key), services.store.stream(key)),
      head: (key) => (read.push(key), services.store.head(key)),
    };
    const check = await turn(device, 0, store);
    expect(check).toMatchObject({ state: 'passed', objectsDone: (await objects(device)).length });
    expect(read).toEqual([]);
    const row = await device.sql((tx) => tx.vaultCheck.findFirstOrThrow({ where: { tenantId: device.tenant.id } }));
    expect(row).toMatchObject({ listedAt: check.startedAt, unknownObjects: 0 });
  });
  test.each([
    ['delete', 'missing'],
    ['cut', 'damaged'],
  ] as const)('finds a pack that was hurt (%s)', async (how, problem) => {
    const device = await protectedDevice();
    const pack = (await objects(device)).find(({ kind }) => kind === 'data_pack')!;
    device.damage(pack.key, how);
    expect(await turn(device, 0)).toMatchObject({ state: 'failed', findings: [{ key: pack.key, problem }] });
    expect(await device.openAlerts()).toContain('damage');
  });
  test('reports what no backup has brought, and leaves it where it is', async () => {
    const device = await protectedDevice();
    const key = `data/ab/ab${'0'.repeat(62)}`;
    await services.store.create(`${device.vaultPrefix}/${key}`, Buffer.from('a stranger'));
    expect((await turn(device, 0)).state).toBe('passed');
    const row = await device.sql((tx) => tx.vaultCheck.findFirstOrThrow({ where: { tenantId: device.tenant.id } }));
    expect(row).toMatchObject({ unknownObjects: 1, unknownBytes: 10n, unknownKeys: [key] });
    expect(await services.store.head(`${device.vaultPrefix}/${key}`)).toBeDefined();
    expect(await device.openAlerts()).toEqual([]);
  });
});

describe('a reading in turn', () => {
  test('finds one flipped bit that no restore was asked for', async () => {
    const device = await protectedDevice();
    const pack = (await objects(device)).find(({ kind }) => kind === 'data_pack')!;
    device.damage(pack.key, 'flip');
    expect(await turn(device, 1)).toMatchObject({ state: 'failed', findings: [{ key: pack.key, problem: 'damaged' }] });
    const [damage] = await device.sql((tx) => tx.damage.findMany({ where: { tenantId: device.tenant.id } }));
    expect(damage).toMatchObject({ keys: [pack.key], state: 'repairing' });
    expect(damage!.impact).toMatchObject({ filesTotal: 1, snapshotsTotal: 1 });
    // What was found can be added to, and not be rewritten.
    const rewrite = device.sql((tx) => tx.$executeRaw`UPDATE damage_event SET data = '{}'`);
    await expect(rewrite).rejects.toThrow(/permission denied/);
    // Found again it is the same damage.
    expect((await turn(device, 0)).state).toBe('passed');
    expect(await device.sql((tx) => tx.damage.count({ where: { tenantId: device.tenant.id } }))).toBe(1);
  });
  test('waits while the device backs up, and goes on afterwards', async () => {
    const device = await protectedDevice();
    services.clock.advance(DAY_MS);
    await startRun(services, device.scope, {
      sourceId: device.enrolled.source.id,
      trigger: 'manual',
      occurrenceId: null,
      commandId: null,
    });
    const paused = await turn(device, 1);
    expect(paused).toMatchObject({ state: 'queued', finishedAt: null });
    expect(paused.pausedAt).not.toBeNull();
    await device.sql(async (tx) => {
      await tx.backupRun.updateMany({
        where: { tenantId: device.tenant.id, state: 'running' },
        data: { state: 'aborted', finishedAt: new Date() },
      });
      await tx.jobIntent.updateMany({
        where: { tenantId: device.tenant.id, kind: 'verify' },
        data: { runAfter: new Date(0) },
      });
    });
    await device.work(['verify']);
    expect(await newest(device, 1)).toMatchObject({ id: paused.id, state: 'passed', pausedAt: null });
    for (const { verifiedAt } of await objects(device))
      expect(verifiedAt!.getTime()).toBeGreaterThanOrEqual(paused.startedAt!.getTime());
  });
  test('that is due twice is ordered once', async () => {
    const device = await protectedDevice();
    const overdue = { readingDueAt: new Date(services.clock.nowMs() - DAY_MS) };
    for (let round = 0; round < 2; round += 1) {
      await device.sql((tx) => tx.vaultCheck.updateMany({ where: { tenantId: device.tenant.id }, data: overdue }));
      await sweep(device);
    }
    const where = { tenantId: device.tenant.id, purpose: 'rolling', level: 1 };
    expect(await device.sql((tx) => tx.verification.count({ where }))).toBe(1);
  });
});

describe('a reading in turn, of what was damaged', () => {
  /** Two restore points; the second needs all of the first, and a pack of its own. */
  async function twoPoints() {
    const device = await protectedDevice();
    const first = await device.sql((tx) => tx.restorePoint.findFirstOrThrow({ where: { tenantId: device.tenant.id } }));
    const packOf = async (known: readonly string[] = []) =>
      (await objects(device)).find(({ kind, key }) => kind === 'data_pack' && !known.includes(key))!.key;
    const shared = await packOf();
    services.clock.advance(3600_000);
    writeFileSync(path.join(device.source, 'new.bin'), randomBytes(100_000));
    const { result } = await device.backUp();
    const points = async () =>
      await device.sql((tx) =>
        tx.restorePoint.findMany({ where: { tenantId: device.tenant.id }, orderBy: { captureAt: 'asc' } }),
      );
    const damages = async () =>
      await device.sql((tx) =>
        tx.damage.findMany({ where: { tenantId: device.tenant.id }, orderBy: { foundAt: 'asc' } }),
      );
    return { device, first, result, shared, own: await packOf([shared]), points, damages };
  }
  const states = (rows: readonly { readonly state: string }[]) => rows.map(({ state }) => state);

  test('and reads well again, ends the damage: points count again, the alert closes, the order is taken back', async () => {
    const { device, shared, points, damages } = await twoPoints();
    device.damage(shared, 'flip');
    expect((await turn(device, 1)).state).toBe('failed');
    expect(states(await points())).toEqual(['quarantined', 'quarantined']);
    // Still damaged it is no new damage, and nothing that was said of it is taken back.
    const said = await device.sql((tx) => tx.alert.findFirstOrThrow({ where: { tenantId: device.tenant.id } }));
    const again = await turn(device, 1);
    expect(again).toMatchObject({ state: 'passed', findings: [] });
    expect(again.objectsTotal).toBeGreaterThan(0);
    expect(states(await damages())).toEqual(['repairing']);
    expect(await device.sql((tx) => tx.alert.findMany({ where: { tenantId: device.tenant.id } }))).toEqual([said]);
    device.damage(shared, 'flip'); // the disk is mended
    expect((await turn(device, 1)).state).toBe('passed');
    const [damage] = await damages();
    expect(damage).toMatchObject({ state: 'repaired' });
    expect(damage!.endedAt).not.toBeNull();
    const released = await points();
    for (const point of released) expect(point).toMatchObject({ state: 'sealed', isUsable: true });
    expect(await device.openAlerts()).toEqual([]);
    const command = await device.sql((tx) => tx.agentCommand.findFirstOrThrow({ where: { id: damage!.commandId! } }));
    expect(command.state).toBe('expired');
    const records = await device.sql((tx) =>
      tx.evidenceRecord.findMany({
        where: { tenantId: device.tenant.id, damageId: damage!.id },
        orderBy: { sequence: 'asc' },
      }),
    );
    expect(records.map(({ kind }) => kind)).toEqual(['damage_found', 'damage_repaired']);
    const { body } = JSON.parse(records.at(-1)!.text) as { body: { restorePointIds: string[] } };
    expect(body.restorePointIds.toSorted()).toEqual(released.map(({ id }) => id).toSorted());
  });
  test.each(['its own pack', 'the index of another run'])(
    'leaves a point locked away that needs something else that is damaged (%s)',
    async (what) => {
      const { device, first, shared, own, points, damages } = await twoPoints();
      const index = (await objects(device)).find(({ kind, runId }) => kind === 'index' && runId === first.runId)!.key;
      const other = what === 'its own pack' ? own : index;
      for (const key of [shared, other]) {
        device.damage(key, 'flip');
        expect((await turn(device, 1)).state).toBe('failed');
      }
      device.damage(shared, 'flip');
      expect((await turn(device, 1)).state).toBe('passed');
      expect(states(await damages())).toEqual(['repaired', 'repairing']);
      expect(states(await points())).toEqual([what === 'its own pack' ? 'sealed' : 'quarantined', 'quarantined']);
      expect(await device.openAlerts()).toEqual(['damage']);
      device.damage(other, 'flip');
      expect((await turn(device, 1)).state).toBe('passed');
      expect(states(await damages())).toEqual(['repaired', 'repaired']);
      expect(states(await points())).toEqual(['sealed', 'sealed']);
      expect(await device.openAlerts()).toEqual([]);
    },
  );
  test('brings a point back that never passed a check, and has it checked and tested as any other', async () => {
    const device = await protectedDevice();
    services.clock.advance(DAY_MS);
    writeFileSync(path.join(device.source, 'new.bin'), randomBytes(100_000));
    const { result } = await device.commit();
    await device.work(['seal']);
    const own = result.added.find(({ kind }) => kind === 'data_pack')!.key;
    device.damage(own, 'flip');
    await device.work();
    expect(await device.point(result.snapshotId)).toMatchObject({ state: 'quarantined', levelPassed: null });
    device.damage(own, 'flip');
    expect((await turn(device, 1)).state).toBe('passed');
    await device.work();
    expect(await device.point(result.snapshotId)).toMatchObject({ state: 'sealed', isUsable: true, levelPassed: 3 });
  });
  test('takes a loss back that nobody has accepted yet, and leaves one that was', async () => {
    const { device, shared, own, points, damages } = await twoPoints();
    for (const key of [shared, own]) {
      device.damage(key, 'flip');
      expect((await turn(device, 1)).state).toBe('failed');
    }
    // As a repair leaves what the machine no longer has.
    await device.sql((tx) =>
      tx.damage.updateMany({
        where: { tenantId: device.tenant.id },
        data: { state: 'lost', endedAt: new Date(services.clock.nowMs()) },
      }),
    );
    const [, ofOwn] = await damages();
    await acceptLoss(services, device.tenant.owner, ofOwn!.id, 'The disk of the scanner burned.');
    for (const key of [shared, own]) device.damage(key, 'flip');
    expect((await turn(device, 1)).state).toBe('passed');
    expect(states(await damages())).toEqual(['repaired', 'lost']);
    // What the second one needs was given up: its name and reason stand in the evidence.
    expect(states(await points())).toEqual(['sealed', 'quarantined']);
    expect(await device.openAlerts()).toEqual([]);
  });
  test('ends no damage of what the ledger has no row of: nobody has read that', async () => {
    const { device, result, own, damages } = await twoPoints();
    const lost = await device.sql(async (tx) => {
      const row = await tx.storedObject.findFirstOrThrow({ where: { tenantId: device.tenant.id, key: own } });
      await tx.storedObject.deleteMany({ where: { tenantId: device.tenant.id, key: own } });
      return row;
    });
    const { id } = await device.point(result.snapshotId);
    await requestVerification(services, device.tenant.owner, { restorePointId: id });
    await device.work(['verify']);
    expect(states(await damages())).toEqual(['repairing']);
    expect((await turn(device, 1)).state).toBe('passed');
    expect(states(await damages())).toEqual(['repairing']);
    expect(await device.openAlerts()).toEqual(['damage']);
    await device.sql((tx) =>
      tx.storedObject.create({ data: { ...lost, state: 'missing', problem: PROBLEM_TEXTS.missing } }),
    );
    expect((await turn(device, 1)).state).toBe('passed');
    expect(states(await damages())).toEqual(['repaired']);
    expect((await device.point(result.snapshotId)).state).toBe('sealed');
  });
});

describe('a decryption in turn', () => {
  test('opens every pack, index and snapshot, and what it opened has reached level 2', async () => {
    const device = await protectedDevice();
    expect((await turn(device, 2)).state).toBe('passed');
    const left = (await objects(device)).filter(({ decryptedAt }) => decryptedAt === null);
    // The key of the machine, whose password nobody here has.
    expect(left.map(({ kind }) => kind)).toEqual(['key']);
  });
  test('finds what a hash cannot: a pack whose bytes are right and whose contents are not what the index says', async () => {
    const device = await protectedDevice();
    const pack = (await objects(device)).find(({ kind }) => kind === 'data_pack')!;
    // Another vault's pack under a name that fits its bytes: as if the machine had written nonsense and named it truly.
    const bytes = Buffer.alloc(Number(pack.size), 7);
    const id = createHash('sha256').update(bytes).digest('hex');
    const key = `data/${id.slice(0, 2)}/${id}`;
    await services.store.create(`${device.vaultPrefix}/${key}`, bytes);
    await device.sql((tx) => tx.storedObject.create({ data: { ...pack, key, decryptedAt: null } }));
    const check = await turn(device, 2);
    expect(check).toMatchObject({ state: 'failed', findings: [{ key, problem: 'contents' }] });
    // A reading finds its hash right, and does not heal it.
    await turn(device, 1);
    const row = (await objects(device)).find((one) => one.key === key)!;
    expect(row.state).toBe('damaged');
  });
  test('is not ordered where only the customer has the key', async () => {
    const device = await protectedDevice();
    await device.sql((tx) =>
      tx.vault.updateMany({
        where: { tenantId: device.tenant.id },
        data: { custody: 'customer_held', drillPasswordSealed: null },
      }),
    );
    await expect(turn(device, 2)).rejects.toThrow();
    expect(await device.sql((tx) => tx.verification.count({ where: { tenantId: device.tenant.id, level: 2 } }))).toBe(
      0,
    );
  });
});

test('an after-seal check reads what is new, and counts what was read within the month', async () => {
  const device = await protectedDevice();
  services.clock.advance(3600_000);
  writeFileSync(path.join(device.source, 'new.bin'), Buffer.alloc(100_000, 2));
  const read: string[] = [];
  const store: ObjectStore = { ...services.store, stream: (key) => (read.push(key), services.store.stream(key)) };
  const { result } = await device.commit();
  await device.work(['seal']);
  await workThrough({ ...services, store }, device.tenant, ['verify']);
  const brought = new Set(result.added.map(({ key }) => `${device.vaultPrefix}/${key}`));
  expect(read.length).toBeGreaterThan(0);
  expect(read.every((key) => brought.has(key))).toBe(true);
  expect((await device.point(result.snapshotId)).levelPassed).toBe(1);
});
