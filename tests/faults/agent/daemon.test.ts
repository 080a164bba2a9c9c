import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loadIdentity } from '../../../agent/state/identity.ts';
import { newId } from '../../../core/base/ids.ts';
import { ServiceStack } from '../../support/service-stack.ts';

const run = promisify(execFile);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
  await mkdir(join(stack.protectPath, 'sub'));
  await writeFile(join(stack.protectPath, 'sub', 'a.txt'), 'kept\n');
  await writeFile(join(stack.protectPath, 'b.raw'), randomBytes(2 * 1024 * 1024));
});
afterEach(() => stack.proxy.heal());
afterAll(() => stack.close());

async function until<T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = 45_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function runsOf(statePath: string): Promise<{ state: string; trigger: string; error_code: string | null }[]> {
  const { deviceId } = await loadIdentity(statePath);
  const rows = await stack.sql(
    'SELECT state, trigger, error_code FROM backup_run WHERE device_id = $1 ORDER BY started_at, id',
    [deviceId],
  );
  return rows as { state: string; trigger: string; error_code: string | null }[];
}

const sealedRuns = async (statePath: string): Promise<number> =>
  (await runsOf(statePath)).filter(({ state }) => state === 'sealed').length;

/** As the portal writes them: requestBackup and grantRestore need a person's session, which this stack has not. */
async function command(statePath: string, kind: string, payload: object): Promise<string> {
  const { tenantId, customerId, deviceId } = await loadIdentity(statePath);
  const id = newId();
  await stack.sql(
    `INSERT INTO agent_command (tenant_id, id, customer_id, device_id, kind, payload, state)
     VALUES ($1, $2, $3, $4, $5, $6, 'pending')`,
    [tenantId, id, customerId, deviceId, kind, JSON.stringify(payload)],
  );
  return id;
}

async function commandRow(id: string): Promise<{ state: string; message: string | null }> {
  const [row] = await stack.sql('SELECT state, message FROM agent_command WHERE id = $1', [id]);
  return row as { state: string; message: string | null };
}

const ended = async (id: string): Promise<{ state: string; message: string | null } | undefined> => {
  const row = await commandRow(id);
  return row.state === 'done' || row.state === 'failed' ? row : undefined;
};

async function grant(statePath: string): Promise<{ grantId: string; snapshotId: string }> {
  const { tenantId, customerId, deviceId, vaultId } = await loadIdentity(statePath);
  const [point] = await stack.sql(
    'SELECT id, snapshot_id FROM restore_point WHERE device_id = $1 ORDER BY sealed_at DESC LIMIT 1',
    [deviceId],
  );
  const grantId = newId();
  await stack.sql(
    `INSERT INTO restore_grant (tenant_id, id, customer_id, device_id, vault_id, restore_point_id, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() + interval '1 hour')`,
    [tenantId, grantId, customerId, deviceId, vaultId, point?.id],
  );
  return { grantId, snapshotId: String(point?.snapshot_id) };
}

test('makes the backup that is due, obeys commands, reports what became of them, and stops at once', async () => {
  const statePath = await stack.enrolled();
  const daemon = stack.agent(statePath, ['run']);
  await daemon.line(/agent ready/);
  await until('the first backup', async () => (await sealedRuns(statePath)) === 1);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'sealed', trigger: 'schedule' }]);

  const backupId = await command(statePath, 'backup_now', {});
  const { grantId, snapshotId } = await grant(statePath);
  const target = join(stack.folder, 'restored-by-command');
  const restoreId = await command(statePath, 'restore', {
    grantId,
    snapshotId,
    paths: [join(stack.protectPath, 'sub')],
    targetPath: target,
  });
  // The next heartbeat may be a minute away: a person can hurry it by starting the service again.
  await daemon.stop();
  const second = stack.agent(statePath, ['run']);
  expect(await until('the backup by command', () => ended(backupId))).toMatchObject({ state: 'done' });
  const restored = await until('the restore by command', () => ended(restoreId));
  expect(restored).toMatchObject({ state: 'done' });
  expect(restored.message).toContain(target);
  await run('diff', ['-r', join(stack.protectPath, 'sub'), join(target, stack.protectPath, 'sub')]);
  expect(await sealedRuns(statePath)).toBe(2);
  // What it holds was told on the way, and is that of this machine.
  const { deviceId } = await loadIdentity(statePath);
  const [told] = await stack.sql<{ volumes: unknown[] | null; databases: unknown[] }>(
    'SELECT volumes, databases FROM device_inventory WHERE device_id = $1',
    [deviceId],
  );
  // The database of this very test runs here.
  expect(told?.databases).toContainEqual(expect.objectContaining({ kind: 'postgres' }));

  const stoppedAt = performance.now();
  const end = await second.stop('SIGTERM');
  expect(end.code).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(15_000);
  // Nothing secret in what it logs.
  const identity = await loadIdentity(statePath);
  for (const secret of [identity.repositoryPassword, identity.privateKey.split('\n')[1] ?? 'no key'])
    expect(`${daemon.output}${second.output}`).not.toContain(secret);
  expect(await readdir(statePath)).not.toContain('daemon.lock');
});

test('a restore never overwrites: what stands in the way is kept, and the command says so', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  const { grantId, snapshotId } = await grant(statePath);
  const target = join(stack.folder, 'restored-over');
  const mine = join(target, stack.protectPath, 'sub', 'a.txt');
  await mkdir(join(mine, '..'), { recursive: true });
  await writeFile(mine, 'mine');
  const id = await command(statePath, 'restore', { grantId, snapshotId, paths: [], targetPath: target });
  const daemon = stack.agent(statePath, ['run']);
  const result = await until('the restore', () => ended(id));
  expect(result.state).toBe('failed');
  expect(result.message).toContain('kept');
  expect(await readFile(mine, 'utf8')).toBe('mine');
  await daemon.stop();
});

test('a run outlives a restart of the gateway, and the daemon outlives a longer absence', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.heal();
  stack.proxy.uploadDelayMs = 1500;
  const daemon = stack.agent(statePath, ['run']);
  await until('an upload', async () => stack.proxy.passed.some(({ method }) => method === 'PUT'));
  await stack.stopGateway('SIGKILL');
  stack.proxy.uploadDelayMs = 0;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await stack.startGateway();
  await until('the seal', async () => (await sealedRuns(statePath)) === 1);
  expect(await runsOf(statePath)).toHaveLength(1);

  await stack.stopGateway();
  await daemon.stop();
  const id = await command(statePath, 'backup_now', {});
  const patient = stack.agent(statePath, ['run']);
  await patient.line(/heartbeat failed/);
  await stack.startGateway();
  expect(await until('the backup', () => ended(id))).toMatchObject({ state: 'done' });
  expect((await patient.stop()).code).toBe(0);
});

test('a command whose delivery was lost comes again, and one that comes twice is done once', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  const id = await command(statePath, 'backup_now', {});
  stack.proxy.heal();
  stack.proxy.break(/heartbeat/, 'lose-answer');
  const daemon = stack.agent(statePath, ['run']);
  await until('the delivery into the void', async () => (await commandRow(id)).state === 'delivered');
  await daemon.stop();
  expect(stack.proxy.unmet).toEqual([]);
  stack.proxy.break(/commands/, 'lose-answer');
  const next = stack.agent(statePath, ['run']);
  expect(await until('the backup', () => ended(id))).toMatchObject({ state: 'done' });
  await until(
    'the confirmation',
    async () =>
      (JSON.parse(await readFile(join(statePath, 'state.json'), 'utf8')) as { unsentResults: unknown[] }).unsentResults
        .length === 0,
  );
  expect((await runsOf(statePath)).filter(({ trigger }) => trigger === 'command')).toHaveLength(1);
  expect(await stack.sql('SELECT suspected_clone_at FROM device WHERE suspected_clone_at IS NOT NULL')).toEqual([]);
  await next.stop();
});

test('two daemons of one state folder: the second is refused; a killed one’s lock and run are taken over', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.heal();
  stack.proxy.uploadDelayMs = 60_000;
  const first = stack.agent(statePath, ['run']);
  await until('an upload', async () => stack.proxy.passed.some(({ method }) => method === 'PUT'));
  const second = await stack.run(statePath, 'run');
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/already running.*process \d+/);
  const beside = await stack.run(statePath, 'backup');
  expect(beside.code).toBe(1);
  expect(beside.stderr).toContain('already running');
  await first.stop('SIGKILL');
  stack.proxy.heal();
  const third = stack.agent(statePath, ['run']);
  await until('the seal', async () => (await sealedRuns(statePath)) === 1);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'aborted' }, { state: 'sealed', trigger: 'schedule' }]);
  await third.stop();
});

test('SIGTERM in the middle of a run stops within seconds, the server knows, and the next start makes up for it', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.heal();
  stack.proxy.uploadDelayMs = 60_000;
  const daemon = stack.agent(statePath, ['run']);
  await until('an upload', async () => stack.proxy.passed.some(({ method }) => method === 'PUT'));
  const stoppedAt = performance.now();
  expect((await daemon.stop('SIGTERM')).code).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(15_000);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'aborted', error_code: 'cancelled' }]);
  stack.proxy.heal();
  const next = stack.agent(statePath, ['run']);
  await until('the seal', async () => (await sealedRuns(statePath)) === 1);
  await next.stop();
});

test('a failing source ends no daemon; a revoked device stops its run and says why', async () => {
  const statePath = await stack.enrolled();
  const away = `${stack.protectPath}-away`;
  await run('mv', [stack.protectPath, away]);
  const daemon = stack.agent(statePath, ['run']);
  try {
    await until('the failure', async () =>
      (await runsOf(statePath)).some(({ error_code }) => error_code === 'source_missing'),
    );
  } finally {
    await run('mv', [away, stack.protectPath]);
  }
  const id = await command(statePath, 'backup_now', {});
  await until('the backup after it', () => ended(id), 90_000);
  expect(await sealedRuns(statePath)).toBe(1);
  await daemon.stop();

  const again = await command(statePath, 'backup_now', {});
  stack.proxy.heal();
  stack.proxy.uploadDelayMs = 3_000;
  await writeFile(join(stack.protectPath, 'new.raw'), randomBytes(40 * 1024 * 1024));
  const revoked = stack.agent(statePath, ['run']);
  await until('an upload', async () => stack.proxy.passed.some(({ method }) => method === 'PUT'));
  const { deviceId } = await loadIdentity(statePath);
  await stack.sql('UPDATE device SET revoked_at = now() WHERE id = $1', [deviceId]);
  await revoked.line(/device_revoked/, 30_000);
  expect((await revoked.stop()).code).toBe(0);
  expect((await commandRow(again)).state).toBe('delivered');
  expect(await sealedRuns(statePath)).toBe(1);
  await rm(join(stack.protectPath, 'new.raw'));
});
