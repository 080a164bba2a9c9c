/** Evidence of real drills: signed, chained, complete, and beyond everybody's reach; what people say to a drill is added, never changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { type BundleCheck, verifyBundle } from '../../core/evidence/verify-bundle.ts';
import { applyChange } from '../../server/changes/apply-change.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { approveDrill, remediateDrill } from '../../server/drills/decide-drill.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { voidVerdict } from '../../server/drills/void-verdict.ts';
import { appendEvidence } from '../../server/evidence/append-evidence.ts';
import { recordDrillEvidence } from '../../server/evidence/drill-body.ts';
import { makeBundle } from '../../server/evidence/make-bundle.ts';
import { evidenceCompleteness, listEvidence, viewDrillEvidence } from '../../server/evidence/queries.ts';
import { rotateEvidenceKey } from '../../server/evidence/signing-key.ts';
import { createTestTenant } from '../../server/testing/test-services.ts';
import { TestDevice } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

let services: StartedServices;
const files: Record<string, string> = { 'canary.txt': 'sing' };
for (let n = 0; n < 8; n++) files[`folder/file-${n}.txt`] = `contents of ${n} `.repeat(50);

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

async function newestDrill(device: TestDevice) {
  return await device.sql((tx) =>
    tx.drill.findFirstOrThrow({ where: { tenantId: device.tenant.id }, orderBy: { createdAt: 'desc' } }),
  );
}
async function checkAll(device: TestDevice): Promise<BundleCheck> {
  const wish = { customerId: device.enrolled.customerId };
  return await verifyBundle(JSON.stringify(await makeBundle(services, device.tenant.owner, wish)));
}
async function drillAgain(device: TestDevice): Promise<string> {
  services.clock.advance(60_000);
  const { drillId } = await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
  await device.work(['drill']);
  return drillId;
}
/** A second backup whose canary is said to be another file: its drill fails. */
async function failingDrill(device: TestDevice): Promise<string> {
  services.clock.advance(25 * 3_600_000);
  const lie = { path: `${device.source}/canary.txt`, size: 4, sha256: '1'.repeat(64), role: 'canary' as const };
  await device.backUp({ manifest: { witness: [lie] } });
  return (await newestDrill(device)).id;
}

describe('the record of a drill', () => {
  test('says everything that a form asks for, and the bundle of it is sound, the machine’s own list among it', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result, runId } = await device.backUp();
    const drill = await newestDrill(device);
    const check = await checkAll(device);
    expect(check.findings).toEqual([]);
    expect(check).toMatchObject({ isSound: true, facts: { records: 1, manifests: 1, drills: { passed: 1 } } });
    const [record] = check.records;
    expect(record).toMatchObject({
      kind: 'drill',
      sequence: 1,
      about: null,
      body: {
        drillId: drill.id,
        systems: { device: { id: device.enrolled.deviceId, hostname: 'test-machine' } },
        scope: { kind: 'sample', filesTested: 6, filesInPoint: 9 },
        restorePoint: { snapshotId: result.snapshotId, treeId: result.snapshot.tree, custody: 'escrowed' },
        rpo: { targetMinutes: 120 },
        level: { asked: 3, reached: 3 },
        result: { verdict: 'passed', filesMatched: 6 },
        performer: { kind: 'service', isRobot: true, orderedBy: null, trigger: 'after_seal' },
        selection: { seed: drill.seed },
        manifest: { runId },
        software: { node: process.version },
      },
    });
    if (record?.kind !== 'drill') throw new Error('no drill');
    expect(record.body.selection.files).toHaveLength(6);
    expect(record.body.sandbox.layers).toContain('permission-model');
    expect(record.body.rto.elapsedMs).toBeGreaterThan(0);
    expect(Object.keys(record.body.rto.partsMs)).toContain('transfer');
  });
  test('names the person who ordered it', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const drillId = await drillAgain(device);
    const { records } = await viewDrillEvidence(services, device.tenant.owner, drillId);
    expect(records[0]!.record.body).toMatchObject({
      performer: { isRobot: false, orderedBy: { name: 'workers user' } },
    });
  });
  test('a drill that proves nothing has one too', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp({ manifest: { witness: [] } });
    const { records } = await viewDrillEvidence(services, device.tenant.owner, (await newestDrill(device)).id);
    expect(records.map(({ record }) => record)).toMatchObject([
      { kind: 'drill', body: { result: { verdict: 'void' } } },
    ]);
    expect((await checkAll(device)).findings).toEqual([]);
  });
  test('is not there when what it proves was rolled back', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const { id, customerId, tenantId } = await newestDrill(device);
    await expect(
      applyChange(services, device.tenant.system, async (change) => {
        recordDrillEvidence(services, change, { id, customerId, tenantId });
        await Promise.resolve();
        // No audit row: the change is refused, after nothing of it was to stay.
      }),
    ).rejects.toMatchObject({ code: 'internal' });
    expect((await checkAll(device)).facts).toMatchObject({ records: 1 });
  });
  test('one drill can be given away alone, and one month, and neither tells of other drills', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const first = (await newestDrill(device)).id;
    await drillAgain(device);
    await approveDrill(services, device.tenant.owner, first, 'seen');
    const bundle = await makeBundle(services, device.tenant.owner, { drillId: first });
    expect(bundle.records).toHaveLength(2);
    expect(bundle.omitted).toHaveLength(1);
    const check = await verifyBundle(JSON.stringify(bundle));
    expect(check).toMatchObject({ isSound: true, findings: [] });
    const month = new Date(services.clock.nowMs()).toISOString().slice(0, 7);
    const { customerId } = device.enrolled;
    const monthly = await makeBundle(services, device.tenant.owner, { customerId, month });
    expect(monthly.records).toHaveLength(3);
    await expect(makeBundle(services, device.tenant.owner, { customerId, month: '2019-01' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('what people say to a drill', () => {
  test('is a further record each, which names the first; the first stays as it was', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const drillId = await failingDrill(device);
    const before = await viewDrillEvidence(services, device.tenant.owner, drillId);
    await approveDrill(services, device.tenant.owner, drillId);
    await remediateDrill(services, device.tenant.owner, drillId, 'The disk was replaced.');
    const after = await viewDrillEvidence(services, device.tenant.owner, drillId);
    expect(after.records.map(({ kind }) => kind)).toEqual(['drill', 'drill_approved', 'drill_remediated']);
    expect(after.records[0]!.text).toBe(before.records[0]!.text);
    const [first, ...further] = after.records;
    for (const { aboutId, record } of further) {
      expect(aboutId).toBe(first!.id);
      expect(record.about).toBe(first!.id);
    }
    expect(further[1]!.record.body).toMatchObject({ words: 'The disk was replaced.', by: { name: 'workers user' } });
    expect(await device.sql((tx) => tx.drill.findFirst({ where: { id: drillId } }))).toMatchObject({
      remediation: 'The disk was replaced.',
    });
    expect((await checkAll(device)).findings).toEqual([]);
  });
  test('needs words where it asks for them, a verdict, and somebody of the staff', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const { id } = await newestDrill(device);
    const { owner } = device.tenant;
    await expect(voidVerdict(services, owner, id, '  ')).rejects.toMatchObject({ code: 'bad_request' });
    await expect(remediateDrill(services, owner, id, '')).rejects.toMatchObject({ code: 'bad_request' });
    for (const act of [approveDrill, remediateDrill, voidVerdict])
      await expect(act(services, device.tenant.customers[0].viewer, id, 'why')).rejects.toMatchObject({
        code: 'forbidden',
      });
    const other = await createTestTenant(services, 'other');
    for (const act of [approveDrill, remediateDrill, voidVerdict])
      await expect(act(services, other.owner, id, 'why')).rejects.toMatchObject({ code: 'not_found' });
    await approveDrill(services, owner, id);
    await expect(approveDrill(services, owner, id)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a withdrawn verdict', () => {
  test('of a pass: the point is what it was before the drill, and the record stays beside its withdrawal', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    const { id } = await newestDrill(device);
    expect(await device.point(result.snapshotId)).toMatchObject({ levelPassed: 3 });
    await voidVerdict(services, device.tenant.owner, id, 'The wrong machine was meant.');
    expect(await device.point(result.snapshotId)).toMatchObject({ levelPassed: 1, drilledAt: null, state: 'sealed' });
    const { records } = await viewDrillEvidence(services, device.tenant.owner, id);
    expect(records.map(({ kind }) => kind)).toEqual(['drill', 'drill_voided']);
    const check = await checkAll(device);
    expect(check).toMatchObject({ isSound: true, facts: { drills: { passed: 1, withdrawn: 1 } } });
    await expect(voidVerdict(services, device.tenant.owner, id, 'again')).rejects.toMatchObject({ code: 'conflict' });
  });
  test('of one pass of two: the other still proves the point', async () => {
    const device = await TestDevice.enrol(services, files);
    const { result } = await device.backUp();
    await voidVerdict(services, device.tenant.owner, await drillAgain(device), 'A rehearsal.');
    const point = await device.point(result.snapshotId);
    expect(point.levelPassed).toBe(3);
    expect(point.drilledAt).not.toBeNull();
  });
  test('of a failure: the lock and the alert that followed from it are gone', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const drillId = await failingDrill(device);
    const { restorePointId } = await newestDrill(device);
    const pointOf = async () =>
      await device.sql((tx) => tx.restorePoint.findFirstOrThrow({ where: { id: restorePointId } }));
    expect(await pointOf()).toMatchObject({ state: 'quarantined', isUsable: false });
    expect(await device.openAlerts()).toEqual(['drill_failed']);
    await voidVerdict(services, device.tenant.owner, drillId, 'The list of the machine was wrong.');
    expect(await pointOf()).toMatchObject({ state: 'sealed', isUsable: true, quarantineReason: null, levelPassed: 1 });
    expect(await device.openAlerts()).toEqual([]);
  });
  test('of the pass that had closed an alert: the failure before it counts again', async () => {
    const device = await TestDevice.enrol(services, files);
    await failingDrill(device);
    services.clock.advance(60_000);
    await device.backUp();
    const good = await newestDrill(device);
    expect(good.state).toBe('passed');
    expect(await device.openAlerts()).toEqual([]);
    await voidVerdict(services, device.tenant.owner, good.id, 'Not the server that we meant.');
    expect(await device.openAlerts()).toEqual(['drill_failed']);
  });
  test('of one failure leaves the alert open that another, deeper one holds, whatever shallower test has passed since', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const deep = await newestDrill(device);
    // Of a database that did not open; a test of files passed after it, and one failed that is withdrawn.
    await device.sql((tx) =>
      tx.drill.updateMany({ where: { id: deep.id }, data: { state: 'failed', level: 4, checks: [] } }),
    );
    services.clock.advance(1000);
    await drillAgain(device);
    services.clock.advance(1000);
    const shallow = await drillAgain(device);
    await device.sql((tx) => tx.drill.updateMany({ where: { id: shallow }, data: { state: 'failed' } }));
    await voidVerdict(services, device.tenant.owner, shallow, 'The list of the machine was wrong.');
    expect(await device.openAlerts()).toEqual(['drill_failed']);
    await voidVerdict(services, device.tenant.owner, deep.id, 'The wrong server was asked.');
    expect(await device.openAlerts()).toEqual([]);
  });
});

describe('the chain', () => {
  test('cannot be changed, cut or written past its function by what the programs are', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const { tenant, enrolled } = device;
    const attempt = async (sql: string) =>
      await withScope(services, tenant.owner, (tx) => tx.$executeRawUnsafe(sql)).then(
        () => 'done',
        (error: unknown) => (/permission denied/.test(String(error)) ? 'refused' : String(error)),
      );
    for (const table of ['evidence_record', 'evidence_head', 'evidence_anchor', 'evidence_key']) {
      expect([table, await attempt(`DELETE FROM ${table}`)]).toEqual([table, 'refused']);
      expect([table, await attempt(`TRUNCATE ${table}`)]).toEqual([table, 'refused']);
    }
    expect(await attempt(`UPDATE evidence_record SET text = 'x'`)).toBe('refused');
    expect(await attempt(`UPDATE evidence_head SET sequence = 0`)).toBe('refused');
    expect(await attempt(`UPDATE evidence_anchor SET text = 'x'`)).toBe('refused');
    expect(await attempt(`UPDATE evidence_key SET public_key = 'x'`)).toBe('refused');
    const append = (customerId: string, sequence: number) =>
      `SELECT evidence_append('${customerId}', ${sequence}, gen_random_uuid(), 'drill', NULL, NULL, NULL, now(), 'x', '${'0'.repeat(64)}', 'x')`;
    expect(await attempt(append(enrolled.customerId, 7))).toContain('at the end of its chain');
    const beyond = async (customerId: string) =>
      await withScope(services, tenant.customers[1].viewer, (tx) => tx.$queryRawUnsafe(append(customerId, 1))).catch(
        String,
      );
    expect(await beyond(enrolled.customerId)).toContain('evidence of another customer');
  });
  test('takes many at once, in one order, without a gap', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const drill = await newestDrill(device);
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        applyChange(services, device.tenant.system, async (change) => {
          recordDrillEvidence(services, change, drill);
          await change.audit('drill.finished', { kind: 'drill', id: drill.id }, {});
        }),
      ),
    );
    const check = await checkAll(device);
    expect(check).toMatchObject({ findings: [], facts: { records: 21 } });
  });
  test('goes on over a new key, which the old one vouches for', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const trusted = (await checkAll(device)).facts!.keys;
    await expect(rotateEvidenceKey(services, device.tenant.customers[0].viewer)).rejects.toMatchObject({
      code: 'forbidden',
    });
    const { keyId } = await rotateEvidenceKey(services, device.tenant.owner);
    await drillAgain(device);
    const bundle = await makeBundle(services, device.tenant.owner, { customerId: device.enrolled.customerId });
    const check = await verifyBundle(JSON.stringify(bundle), { trustedKeys: trusted });
    expect(check).toMatchObject({ findings: [], facts: { records: 2, keys: [...trusted, keyId] } });
  });
  test('takes records of damage and of its repair', async () => {
    const device = await TestDevice.enrol(services, files);
    const { tenantId, customerId, deviceId } = { ...device.enrolled, tenantId: device.tenant.id };
    await applyChange(services, device.tenant.system, async (change) => {
      appendEvidence(services, change, {
        tenantId,
        customerId,
        kind: 'damage_found',
        body: {
          damageId: newId(services.clock),
          files: null,
          verificationId: null,
          level: 1,
          device: { id: deviceId, name: 'half a pair: \ud800' },
          vaultId: device.enrolled.vaultId,
          objects: [{ key: 'config', problem: 'missing' }],
          objectCount: 1,
          restorePointIds: [],
          words: 'One object is missing.',
        },
      });
      await change.audit('verification.finished', { kind: 'vault', id: device.enrolled.vaultId }, {});
    });
    const check = await checkAll(device);
    expect(check.findings).toEqual([]);
    expect(check.records[0]).toMatchObject({ kind: 'damage_found', body: { device: { name: 'half a pair: \ufffd' } } });
  });
});

describe('who sees evidence', () => {
  test('the staff and the customer’s own people; others find nothing', async () => {
    const device = await TestDevice.enrol(services, files);
    await device.backUp();
    const { id } = await newestDrill(device);
    const [mine, neighbour] = device.tenant.customers;
    const { customerId } = device.enrolled;
    expect(await listEvidence(services, mine.viewer, { customerId, limit: 10 })).toHaveLength(1);
    expect(await listEvidence(services, neighbour.viewer, { customerId, limit: 10 })).toEqual([]);
    expect((await makeBundle(services, mine.viewer, { customerId })).records).toHaveLength(1);
    for (const wish of [{ customerId }, { drillId: id }])
      await expect(makeBundle(services, neighbour.viewer, wish)).rejects.toMatchObject({ code: 'not_found' });
    await expect(viewDrillEvidence(services, neighbour.viewer, id)).rejects.toMatchObject({ code: 'not_found' });
    const window = { fromMs: 0, toMs: services.clock.nowMs() + 1 };
    expect(await evidenceCompleteness(services, mine.viewer, window)).toEqual({
      drills: 1,
      complete: 0,
      waitingForAnchor: 1,
    });
    expect(await evidenceCompleteness(services, neighbour.viewer, window)).toMatchObject({ drills: 0 });
  });
});
