/** From one flipped bit to whole restore points: the real service, store and agent, and stock restic as the judge. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Scope, scopeForSystem, scopeForUser } from '../../../server/access/scope.ts';
import { applyChange } from '../../../server/changes/apply-change.ts';
import { acceptLoss } from '../../../server/damage/accept-loss.ts';
import { insertToken } from '../../../server/devices/create-enrolment-token.ts';
import { requestDrill } from '../../../server/drills/request-drill.ts';
import { makeBundle } from '../../../server/evidence/make-bundle.ts';
import type { EvidenceRecord } from '../../../core/evidence/record.ts';
import { verifyBundle } from '../../../core/evidence/verify-bundle.ts';
import { loadIdentity } from '../../../agent/state/identity.ts';
import { stateFiles } from '../../../agent/state/state-files.ts';
import { ServiceStack } from '../../support/service-stack.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
});
beforeEach(async () => {
  await rm(stack.protectPath, { recursive: true, force: true });
  await mkdir(join(stack.protectPath, 'sub'), { recursive: true });
  await writeFile(join(stack.protectPath, 'sub', 'small.txt'), 'kept\n');
  await writeFile(join(stack.protectPath, 'large.raw'), randomBytes(3 * 1024 * 1024));
});
afterAll(() => stack.close());

interface Machine {
  readonly statePath: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly vaultFolder: string;
  readonly evidenceFolder: string;
  readonly password: string;
}

/** A state folder of a machine that alone holds its keys. */
async function enrolledHeld(): Promise<string> {
  const scope = scopeForSystem(stack.tenantId);
  const { token } = await applyChange(stack.services, scope, async (change) => {
    const { customerId, id: policyId } = await change.tx.policy.findFirstOrThrow({
      where: { tenantId: stack.tenantId },
    });
    const wish = { customerId, policyId, label: 'held', custody: 'customer_held' as const };
    return await insertToken(stack.services, change, scope, wish);
  });
  const statePath = await stack.newState();
  expect((await stack.enrol(statePath, token)).code).toBe(0);
  return statePath;
}

/** Backed up once, verified. */
async function protectedMachine(custody: 'escrowed' | 'customer_held' = 'escrowed'): Promise<Machine> {
  const statePath = await (custody === 'escrowed' ? stack.enrolled() : enrolledHeld());
  const { tenantId, deviceId, vaultId, repositoryPassword } = await loadIdentity(statePath);
  const machine = {
    statePath,
    deviceId,
    vaultId,
    vaultFolder: join(stack.storeRoot, 'v', tenantId, vaultId),
    evidenceFolder: join(stack.storeRoot, 'evidence', tenantId, vaultId),
    password: repositoryPassword,
  };
  await backUp(machine);
  return machine;
}

async function backUp({ statePath, deviceId }: Machine): Promise<void> {
  const ended = await stack.run(statePath, 'backup');
  expect(ended.stderr).toBe('');
  await until('the check of the new point', async () => {
    const [row] = await stack.sql(
      'SELECT level_passed FROM restore_point WHERE device_id = $1 ORDER BY sealed_at DESC LIMIT 1',
      [deviceId],
    );
    return row?.['level_passed'] != null;
  });
  // One that is ordered with the check would find what a test breaks next before the reading does.
  await until('the end of its restore test', async () => {
    const open = await stack.sql(
      "SELECT 1 FROM drill WHERE device_id = $1 AND runner = 'service' AND state IN ('queued', 'running')",
      [deviceId],
    );
    return open.length === 0;
  });
}

/** The largest pack: it holds the large file. */
async function largestPack({ vaultFolder }: Machine): Promise<string> {
  const names = await readdir(join(vaultFolder, 'data'), { recursive: true });
  const files = await Promise.all(
    names
      .filter((name) => /[0-9a-f]{64}$/.test(name))
      .map(async (name) => ({ name, size: (await stat(join(vaultFolder, 'data', name))).size })),
  );
  return join(vaultFolder, 'data', files.toSorted((a, b) => b.size - a.size)[0]!.name);
}

/** The rolling reading of the vault is due now; the sweep orders it. */
async function readNow({ vaultId }: Machine): Promise<void> {
  await until('the rotation of the vault', async () => {
    const rows = await stack.sql(
      "UPDATE vault_check SET reading_due_at = now() - interval '1 second' WHERE vault_id = $1 RETURNING 1",
      [vaultId],
    );
    return rows.length === 1;
  });
}

interface DamageRow {
  readonly id: string;
  readonly state: string;
  readonly keys: string[];
  readonly impact: { filesTotal: number; files: { path: string }[]; snapshotsTotal: number; blobsTotal: number } | null;
}

async function damageOf({ vaultId }: Machine, ...states: string[]): Promise<DamageRow> {
  const look = async () => {
    const [row] = await stack.sql<DamageRow>('SELECT * FROM damage WHERE vault_id = $1', [vaultId]);
    return row !== undefined && states.includes(row.state) && row;
  };
  // A dozen jobs of a service that does other things as well.
  return await until(`a damage that is ${states.join(' or ')}`, look, 300_000);
}

async function historyOf({ id }: DamageRow): Promise<string[]> {
  const rows = await stack.sql('SELECT kind FROM damage_event WHERE damage_id = $1 ORDER BY sequence', [id]);
  return rows.map(({ kind }) => String(kind));
}

/** The signed records of a damage, which check by themselves. */
async function recordsOf({ id }: DamageRow): Promise<readonly EvidenceRecord[]> {
  const bundle = await makeBundle(stack.services, scopeForSystem(stack.tenantId), { damageId: id });
  const check = await verifyBundle(JSON.stringify(bundle));
  expect(check.findings).toEqual([]);
  return check.records;
}

interface PointRow {
  readonly id: string;
  readonly state: string;
  readonly snapshot_id: string;
  readonly is_usable: boolean;
}

async function pointsOf({ deviceId }: Machine): Promise<PointRow[]> {
  return await stack.sql<PointRow>(
    'SELECT id, state, snapshot_id, is_usable FROM restore_point WHERE device_id = $1 ORDER BY sealed_at',
    [deviceId],
  );
}

/** The restore tests of a point, by what they were to look at. */
async function drillsOf({ id }: PointRow): Promise<Record<string, unknown>[]> {
  return await stack.sql(
    'SELECT state, level, scope, seed, files_planned FROM drill WHERE restore_point_id = $1 ORDER BY created_at',
    [id],
  );
}

async function ownerScope(): Promise<Scope> {
  const { tenantId } = stack;
  const [owner] = await stack.sql("SELECT id FROM app_user WHERE tenant_id = $1 AND role = 'owner'", [tenantId]);
  return scopeForUser({ tenantId, id: String(owner!['id']), customerId: null, role: 'owner' });
}

async function restic({ vaultFolder, password }: Machine, ...args: string[]): Promise<string> {
  const env = { ...process.env, RESTIC_PASSWORD: password };
  return (await run('restic', ['-r', vaultFolder, '--no-lock', '--no-cache', ...args], { env })).stdout;
}

test('one flipped bit is found, named, repaired by the machine and proven, and the old snapshot restores byte for byte', async () => {
  const machine = await protectedMachine();
  const original = join(stack.folder, 'original');
  await cp(stack.protectPath, original, { recursive: true, preserveTimestamps: true });
  // What the old snapshot holds of this file is nowhere but in the vault; of the large one the machine still has it.
  await writeFile(join(stack.protectPath, 'sub', 'small.txt'), 'changed since\n');
  await backUp(machine);
  const pack = await largestPack(machine);
  await chmod(pack, 0o600);
  const bytes = await readFile(pack);
  bytes[bytes.length >> 1]! ^= 1; // of the large file
  await writeFile(pack, bytes);
  await readNow(machine);

  const found = await damageOf(machine, 'repairing');
  expect(found.keys).toEqual([`data/${pack.split('/').slice(-2).join('/')}`]);
  expect(found.impact).toMatchObject({ filesTotal: 1, snapshotsTotal: 2, blobsTotal: 1 });
  expect(found.impact?.files[0]?.path).toBe(join(stack.protectPath, 'large.raw'));
  expect((await pointsOf(machine)).map(({ state }) => state)).toEqual(['quarantined', 'quarantined']);
  expect(await historyOf(found)).toEqual(['found', 'quarantined', 'traced', 'asked']);

  const daemon = stack.agent(machine.statePath, ['run']);
  const ended = await damageOf(machine, 'repaired', 'lost');
  await daemon.stop();
  expect(ended.state).toBe('repaired');
  expect(await historyOf(ended)).toEqual([
    'found',
    'quarantined',
    'traced',
    'asked',
    'sent',
    'checked',
    'retired',
    'released',
    'ended',
  ]);
  const points = await pointsOf(machine);
  expect(points.slice(0, 2).every(({ state, is_usable: isUsable }) => state === 'sealed' && isUsable)).toBe(true);
  const alerts = await stack.sql(
    "SELECT 1 FROM alert WHERE device_id = $1 AND kind = 'damage' AND resolved_at IS NULL",
    [machine.deviceId],
  );
  expect(alerts).toEqual([]);

  expect(await restic(machine, 'check', '--read-data')).toContain('no errors were found');
  const target = join(stack.folder, 'restored');
  await restic(machine, 'restore', points[0]!.snapshot_id, '--target', target, '--include', stack.protectPath);
  await run('diff', ['-r', original, join(target, stack.protectPath)]);
  // The evidence: the damaged bytes where they were, the replaced index aside, and a history that nobody can rewrite.
  expect(await readFile(pack)).toEqual(bytes);
  expect((await readdir(join(machine.evidenceFolder, ended.id, 'index'))).length).toBeGreaterThan(0);
  expect(await recordsOf(ended)).toMatchObject([
    { kind: 'damage_found', body: { files: null, objectCount: 1, restorePointIds: { length: 2 } } },
    {
      kind: 'damage_repaired',
      body: { files: { paths: [join(stack.protectPath, 'large.raw')], count: 1 }, restorePointIds: { length: 2 } },
    },
  ]);
  // And the next ordinary backup builds on none of it.
  await backUp(machine);
  expect(await restic(machine, 'check', '--read-data')).toContain('no errors were found');
}, 900_000);

test('what the machine no longer has stays locked away and is said to be lost; what it has is repaired', async () => {
  const machine = await protectedMachine();
  await rm(join(stack.protectPath, 'large.raw'));
  await writeFile(join(stack.protectPath, 'other.raw'), randomBytes(200_000));
  await backUp(machine);
  const pack = await largestPack(machine);
  await rm(pack);
  await readNow(machine);
  const daemon = stack.agent(machine.statePath, ['run']);
  const ended = await damageOf(machine, 'repaired', 'lost');
  await daemon.stop();
  expect(ended.state).toBe('lost');
  const points = await pointsOf(machine);
  expect(points[0]).toMatchObject({ state: 'quarantined', is_usable: false });
  expect(points.slice(1)).toMatchObject([
    { state: 'sealed', is_usable: true },
    { state: 'sealed', is_usable: true },
  ]);
  const [alert] = await stack.sql(
    "SELECT message FROM alert WHERE device_id = $1 AND kind = 'damage' AND resolved_at IS NULL",
    [machine.deviceId],
  );
  expect(alert?.['message']).toContain('no longer on it');
  const [sent] = await stack.sql("SELECT data FROM damage_event WHERE damage_id = $1 AND kind = 'sent'", [ended.id]);
  expect(sent?.['data']).toMatchObject({ report: { packs: [{ gone: expect.any(Number) as number }] } });
  const { report } = sent!['data'] as { report: { packs: { gone: number }[] } };
  expect(report.packs[0]!.gone).toBeGreaterThan(0);

  // An owner accepts it: said and signed, and what comes later is whole.
  await acceptLoss(stack.services, await ownerScope(), ended.id, 'The file was removed before the damage.');
  expect((await recordsOf(ended)).map(({ kind }) => kind)).toEqual(['damage_found', 'damage_lost', 'loss_accepted']);
  // Also gone is the canary of the older run, which each run writes anew; the small file came back.
  const gone = [stateFiles.canary(machine.statePath), join(stack.protectPath, 'large.raw')];
  expect((await recordsOf(ended)).slice(1)).toMatchObject([
    { body: { files: { paths: gone, count: 2, isComplete: true }, restorePointIds: [points[0]!.id] } },
    { body: { files: { paths: gone, count: 2, isComplete: true }, restorePointCount: 1 } },
  ]);
  const [lost] = await stack.sql('SELECT lost_damage_id, state FROM restore_point WHERE snapshot_id = $1', [
    points[0]!.snapshot_id,
  ]);
  expect(lost).toEqual({ lost_damage_id: ended.id, state: 'quarantined' });
  const open = await stack.sql("SELECT 1 FROM alert WHERE device_id = $1 AND kind = 'damage' AND resolved_at IS NULL", [
    machine.deviceId,
  ]);
  expect(open).toEqual([]);
  await writeFile(join(stack.protectPath, 'newer.raw'), randomBytes(100_000));
  await backUp(machine);
  expect((await pointsOf(machine)).at(-1)).toMatchObject({ state: 'sealed', is_usable: true });
}, 900_000);

test('where the customer alone holds the keys, the machine repairs what it cannot be told about, and says so itself', async () => {
  const machine = await protectedMachine('customer_held');
  const pack = await largestPack(machine);
  await chmod(pack, 0o600);
  const bytes = await readFile(pack);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(pack, bytes);
  await readNow(machine);
  const found = await damageOf(machine, 'repairing');
  expect(found.impact).toBeNull();
  expect(await historyOf(found)).toEqual(['found', 'untraced', 'asked', 'quarantined']);
  const daemon = stack.agent(machine.statePath, ['run']);
  const ended = await damageOf(machine, 'repaired', 'lost');
  await daemon.stop();
  expect(ended.state).toBe('repaired');
  expect((await pointsOf(machine))[0]).toMatchObject({ state: 'sealed', is_usable: true });
  expect(await restic(machine, 'check', '--read-data')).toContain('no errors were found');
  const records = await recordsOf(ended);
  expect(records.map(({ kind }) => kind)).toEqual(['damage_found', 'damage_repaired']);
  expect(records[1]!.body).toMatchObject({
    files: null,
    words: expect.stringContaining('only the customer') as string,
  });
}, 900_000);

test('an index that lies is written anew by the machine, and the packs that it named restore as before', async () => {
  const machine = await protectedMachine();
  const folder = join(machine.vaultFolder, 'index');
  const [name] = await readdir(folder);
  const file = join(folder, name!);
  await chmod(file, 0o600);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  await readNow(machine);
  const found = await damageOf(machine, 'repairing', 'checking', 'repaired');
  expect(found.keys).toEqual([`index/${name}`]);
  expect((await pointsOf(machine)).map(({ state }) => state)).toEqual(['quarantined']);
  const daemon = stack.agent(machine.statePath, ['run']);
  const ended = await damageOf(machine, 'repaired', 'lost');
  await daemon.stop();
  expect(ended.state).toBe('repaired');
  expect(await readdir(folder)).not.toContain(name);
  expect(await readdir(join(machine.evidenceFolder, ended.id, 'index'))).toEqual([name]);
  const [point] = await pointsOf(machine);
  expect(point).toMatchObject({ state: 'sealed', is_usable: true });
  expect(await restic(machine, 'check', '--read-data')).toContain('no errors were found');
  const target = join(stack.folder, 'from-new-index');
  await restic(machine, 'restore', point!.snapshot_id, '--target', target, '--include', stack.protectPath);
  await run('diff', ['-r', stack.protectPath, join(target, stack.protectPath)]);
  expect((await recordsOf(ended)).map(({ kind }) => kind)).toEqual(['damage_found', 'damage_repaired']);
}, 900_000);

test('what a restore test met first is restored anew when the machine has repaired it, and counts when that has passed', async () => {
  const machine = await protectedMachine();
  const pack = await largestPack(machine);
  await chmod(pack, 0o600);
  const bytes = await readFile(pack);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(pack, bytes);
  const [point] = await pointsOf(machine);
  await requestDrill(stack.services, await ownerScope(), { restorePointId: point!.id });

  const found = await damageOf(machine, 'repairing');
  expect(found.keys).toEqual([`data/${pack.split('/').slice(-2).join('/')}`]);
  expect((await pointsOf(machine))[0]).toMatchObject({ state: 'quarantined', is_usable: false });
  expect((await drillsOf(point!)).map(({ state }) => state)).toEqual(['passed', 'failed']);
  const daemon = stack.agent(machine.statePath, ['run']);
  const ended = await damageOf(machine, 'repaired', 'lost');
  await daemon.stop();
  expect(ended.state).toBe('repaired');
  const [, repaired] = await recordsOf(ended);
  expect(repaired).toMatchObject({ kind: 'damage_repaired', body: { restorePointIds: [point!.id] } });
  await until('the next restore test of the point', async () => (await pointsOf(machine))[0]!.is_usable);
  expect((await pointsOf(machine))[0]).toMatchObject({ state: 'sealed' });
  const [, failed, passed, ...more] = await drillsOf(point!);
  expect(more).toEqual([]);
  expect(passed).toEqual({ ...failed, state: 'passed' });
  const alerts = await stack.sql('SELECT kind FROM alert WHERE device_id = $1 AND resolved_at IS NULL', [
    machine.deviceId,
  ]);
  expect(alerts).toEqual([]);
}, 900_000);
