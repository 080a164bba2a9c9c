/** What is lost for good is said by a person, stays locked away, and turns no light green by itself. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyBundle } from '../../core/evidence/verify-bundle.ts';
import { type Scope, scopeForUser } from '../../server/access/scope.ts';
import { acceptLoss } from '../../server/damage/accept-loss.ts';
import { makeBundle } from '../../server/evidence/make-bundle.ts';
import { viewRestorePoint } from '../../server/restore-points/queries.ts';
import { loadSummaries } from '../../server/fleet/summaries.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { requestVerification } from '../../server/verification/request-verification.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { TestDevice } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

const REASON = 'The disk of the storage failed; the customer has the papers of that week.';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

/** Backed up twice, both points proven. @returns the keys of their snapshots, the older one first. */
async function twoPoints(): Promise<{ device: TestDevice; older: string; newer: string }> {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'old.bin': randomBytes(200_000) });
  const { result: first } = await device.backUp();
  await sweep(device);
  services.clock.advance(3600_000);
  writeFileSync(path.join(device.source, 'new.bin'), randomBytes(1000));
  const { result: second } = await device.backUp();
  return { device, older: first.snapshotId, newer: second.snapshotId };
}

async function sweep(device: TestDevice): Promise<void> {
  await device.sql(
    (tx) => tx.$executeRaw`INSERT INTO job_intent (tenant_id, id, kind, queue, payload, state)
      VALUES (${device.tenant.id}::uuid, gen_random_uuid(), 'schedule-sweep', 'control', '{}', 'waiting')`,
  );
  expect(await device.work(['schedule-sweep'])).toEqual(['done']);
}

/** Every rolling check of the vault, at once. */
async function checkAll(device: TestDevice): Promise<void> {
  const past = new Date(services.clock.nowMs() - 1);
  await device.sql(async (tx) => {
    await tx.vaultCheck.updateMany({
      where: { tenantId: device.tenant.id },
      data: { listingDueAt: past, readingDueAt: past, decryptingDueAt: past },
    });
    // Everything is owed to each of them.
    await tx.storedObject.updateMany({
      where: { tenantId: device.tenant.id, sealedAt: { not: null } },
      data: { verifiedAt: null, decryptedAt: null },
    });
  });
  services.clock.advance(1000);
  await sweep(device);
  await device.work(['verify']);
}

function technicianOf({ tenant }: TestDevice): Scope {
  return scopeForUser({ tenantId: tenant.id, id: tenant.owner.actor.id!, customerId: null, role: 'technician' });
}

async function damagesOf(device: TestDevice) {
  return await device.sql((tx) =>
    tx.damage.findMany({ where: { tenantId: device.tenant.id }, orderBy: { foundAt: 'asc' } }),
  );
}

async function lightOf(device: TestDevice): Promise<string | undefined> {
  return await withScope(services, device.tenant.owner, async (tx) => {
    const deviceId = device.enrolled.deviceId;
    const [summary] = await loadSummaries(tx, device.tenant.owner, services.clock.nowMs(), { deviceId });
    return summary?.protection.state;
  });
}

async function recordsOf(device: TestDevice, damageId?: string) {
  const wish = damageId === undefined ? { customerId: device.enrolled.customerId } : { damageId };
  const check = await verifyBundle(JSON.stringify(await makeBundle(services, device.tenant.owner, wish)));
  expect(check.findings).toEqual([]);
  return check.records;
}

describe('a snapshot that no machine can make again', () => {
  test('is found once, stays lost, and its acceptance is signed and never undone by a check', async () => {
    const { device, older } = await twoPoints();
    expect(await lightOf(device)).toBe('proven');
    device.damage(`snapshots/${older}`, 'flip');
    await checkAll(device);
    const [damage] = await damagesOf(device);
    expect(damage).toMatchObject({ keys: [`snapshots/${older}`], state: 'found', endedAt: null });
    expect(await lightOf(device)).toBe('damaged');
    const point = await device.point(older);
    expect(await recordsOf(device, damage!.id)).toMatchObject([
      {
        kind: 'damage_found',
        about: null,
        body: { damageId: damage!.id, objectCount: 1, restorePointIds: [point.id], level: 1 },
      },
    ]);

    const { owner, customers } = device.tenant;
    const technician = technicianOf(device);
    for (const scope of [technician, customers[0].viewer])
      await expect(acceptLoss(services, scope, damage!.id, REASON)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(acceptLoss(services, owner, damage!.id, '  ')).rejects.toMatchObject({ code: 'bad_request' });
    await acceptLoss(services, owner, damage!.id, REASON);
    await expect(acceptLoss(services, owner, damage!.id, REASON)).rejects.toMatchObject({ code: 'conflict' });

    expect((await damagesOf(device))[0]).toMatchObject({ state: 'lost', acceptReason: REASON });
    const records = await recordsOf(device, damage!.id);
    expect(records.map(({ kind }) => kind)).toEqual(['damage_found', 'loss_accepted']);
    expect(records[1]).toMatchObject({
      about: records[0]!.id,
      body: { words: REASON, restorePointCount: 1, restorePoints: [{ id: point.id }] },
    });
    // What was restored before the damage says nothing of what is left: the newer point is tested first.
    expect(await lightOf(device)).toBe('protected');
    expect(await device.openAlerts()).toEqual([]);
    services.clock.advance(1000);
    await sweep(device);
    await device.work(['drill', 'rollup']);
    expect(await lightOf(device)).toBe('proven');
    services.clock.advance(1000);
    await sweep(device);
    expect(await device.work(['drill'])).toEqual([]);

    expect(await device.point(older)).toMatchObject({
      state: 'quarantined',
      isUsable: false,
      lostDamageId: damage!.id,
    });
    const view = await viewRestorePoint(services, owner, point.id);
    expect(view.loss).toMatchObject({ reason: REASON, byName: expect.any(String) as string });
    await expect(requestVerification(services, technician, { restorePointId: point.id })).rejects.toMatchObject({
      code: 'conflict',
    });
    await checkAll(device);
    expect(await damagesOf(device)).toHaveLength(1);
    expect(await device.openAlerts()).toEqual([]);
    expect(await lightOf(device)).toBe('proven');
    const back = device.sql((tx) => tx.restorePoint.updateMany({ where: { id: point.id }, data: { state: 'sealed' } }));
    await expect(back).rejects.toThrow(/restore_point_lost_check/);
  });

  test('was the newest: the light stays red until a newer point is proven', async () => {
    const { device, newer } = await twoPoints();
    device.damage(`snapshots/${newer}`, 'delete');
    await checkAll(device);
    const [damage] = await damagesOf(device);
    await acceptLoss(services, device.tenant.owner, damage!.id, REASON);
    expect(await lightOf(device)).toBe('damaged');
    await device.work();
    expect(await lightOf(device)).toBe('damaged');
    services.clock.advance(3600_000);
    await device.commit();
    await device.work(['seal', 'verify']);
    // Stored and intact, and a drill from before the loss says nothing of it.
    expect(await lightOf(device)).toBe('protected');
    await device.work(['drill', 'rollup']);
    expect(await lightOf(device)).toBe('proven');
  });
});

test('data that the machine may still have is no loss', async () => {
  const { device } = await twoPoints();
  const [pack] = await device.sql((tx) =>
    tx.storedObject.findMany({ where: { tenantId: device.tenant.id, kind: 'data_pack' } }),
  );
  device.damage(pack!.key, 'flip');
  await checkAll(device);
  const [damage] = await damagesOf(device);
  expect(damage!.state).toBe('repairing');
  await expect(acceptLoss(services, device.tenant.owner, damage!.id, REASON)).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(await lightOf(device)).toBe('damaged');
});

describe('a machine that answers no more', () => {
  const WEEK_MS = 7 * 24 * 3600_000;
  /** A pack of the oldest point is damaged, and the machine was told to send it again. */
  async function unanswered(): Promise<{ device: TestDevice; older: string; damageId: string; key: string }> {
    const { device, older } = await twoPoints();
    const { packIds } = await device.point(older);
    const key = `data/${packIds[0]!.slice(0, 2)}/${packIds[0]!}`;
    device.damage(key, 'flip');
    await checkAll(device);
    const [damage] = await damagesOf(device);
    expect(damage).toMatchObject({ state: 'repairing', keys: [key] });
    await seen(device);
    return { device, older, damageId: damage!.id, key };
  }
  async function seen(device: TestDevice): Promise<void> {
    const lastSeenAt = new Date(services.clock.nowMs());
    await device.sql((tx) =>
      tx.deviceState.updateMany({ where: { deviceId: device.enrolled.deviceId }, data: { lastSeenAt } }),
    );
  }

  test('a week after it was told, or was last heard of, its loss can be accepted; its order is withdrawn', async () => {
    const { device, older, damageId, key } = await unanswered();
    const { owner } = device.tenant;
    services.clock.advance(WEEK_MS - 3600_000);
    await expect(acceptLoss(services, owner, damageId, REASON)).rejects.toMatchObject({ code: 'conflict' });
    services.clock.advance(2 * 3600_000);
    // It says that it lives, and does nothing of what it is told.
    await seen(device);
    await acceptLoss(services, owner, damageId, REASON);
    expect((await damagesOf(device))[0]).toMatchObject({ state: 'lost', endedAt: expect.any(Date) as Date });
    expect((await recordsOf(device, damageId)).map(({ kind }) => kind)).toEqual(['damage_found', 'loss_accepted']);
    expect(await device.point(older)).toMatchObject({ state: 'quarantined', isUsable: false, lostDamageId: damageId });
    const orders = await device.sql((tx) => tx.agentCommand.findMany({ where: { kind: 'repair' } }));
    expect(orders.map(({ state }) => state)).toEqual(['expired']);
    expect(await device.openAlerts()).not.toContain('damage');

    // And should it come back: what is gone is not taken for stored by its next backup.
    const { damagedKeys } = await startRun(services, device.scope, {
      ...{ sourceId: device.enrolled.source.id, trigger: 'manual', occurrenceId: null, commandId: null },
    });
    expect(damagedKeys).toEqual([key]);
  });

  test('one that is retired need not be waited for at all', async () => {
    const { device, damageId } = await unanswered();
    const { owner } = device.tenant;
    await expect(acceptLoss(services, owner, damageId, REASON)).rejects.toMatchObject({ code: 'conflict' });
    await device.sql((tx) =>
      tx.device.updateMany({
        where: { id: device.enrolled.deviceId },
        data: { revokedAt: new Date(services.clock.nowMs()) },
      }),
    );
    await acceptLoss(services, owner, damageId, REASON);
    expect((await damagesOf(device))[0]!.state).toBe('lost');
  });
});

test('the configuration cannot be given up: nothing could be backed up to the vault any more', async () => {
  const { device } = await twoPoints();
  device.damage('config', 'flip');
  await checkAll(device);
  const [damage] = await damagesOf(device);
  await expect(acceptLoss(services, device.tenant.owner, damage!.id, REASON)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('configuration') as string,
  });
});

test('storage that was mended: what reads well again is a record too, and names the point that came back', async () => {
  const { device, older } = await twoPoints();
  const key = `snapshots/${older}`;
  device.damage(key, 'flip');
  await checkAll(device);
  device.damage(key, 'flip');
  const point = await device.point(older);
  await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
  await device.work(['verify']);
  const [damage] = await damagesOf(device);
  expect(damage!.state).toBe('repaired');
  const records = await recordsOf(device, damage!.id);
  expect(records.map(({ kind, about }) => ({ kind, about }))).toEqual([
    { kind: 'damage_found', about: null },
    { kind: 'damage_repaired', about: records[0]!.id },
  ]);
  expect(records[1]!.body).toMatchObject({ restorePointIds: [point.id] });
  // And the customer's own bundle holds them between its restore tests, unbroken.
  expect((await recordsOf(device)).filter(({ kind }) => kind.startsWith('damage'))).toHaveLength(2);
});

test('storage that was mended: a point that a restore test had locked away is tested again, and counts when that has passed', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'old.bin': randomBytes(200_000) });
  const { result } = await device.commit();
  await device.work(['seal', 'verify']);
  const { id, packIds } = await device.point(result.snapshotId);
  const keys = packIds.map((packId) => `data/${packId.slice(0, 2)}/${packId}`);
  for (const key of keys) device.damage(key, 'flip');
  await device.work(['drill', 'verify']);
  expect(await device.point(result.snapshotId)).toMatchObject({ state: 'quarantined', isUsable: false });
  await checkAll(device);
  expect((await damagesOf(device)).map(({ endedAt }) => endedAt)).toEqual([null]);
  for (const key of keys) device.damage(key, 'flip');
  await requestVerification(services, device.tenant.owner, { restorePointId: id });
  await device.work(['verify']);
  expect((await damagesOf(device))[0]!.state).toBe('repaired');
  // The lock is open, and nothing counts before the test that failed has passed.
  expect(await device.point(result.snapshotId)).toMatchObject({ state: 'sealed', isUsable: false });
  expect(await lightOf(device)).not.toBe('proven');
  await device.work(['drill', 'rollup']);
  expect(await device.point(result.snapshotId)).toMatchObject({ state: 'sealed', isUsable: true, levelPassed: 3 });
  expect(await lightOf(device)).toBe('proven');
});
