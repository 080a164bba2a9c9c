import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { runBackup } from '../../../agent/backup/run-backup.ts';
import { GatewayClient } from '../../../agent/gateway/gateway-client.ts';
import { loadState } from '../../../agent/state/agent-state.ts';
import { loadIdentity } from '../../../agent/state/identity.ts';
import { silentLog } from '../../../core/base/log.ts';
import { ServiceStack } from '../../support/service-stack.ts';

const run = promisify(execFile);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
});
beforeEach(async () => {
  await rm(stack.protectPath, { recursive: true, force: true });
  await mkdir(join(stack.protectPath, 'sub'), { recursive: true });
  await writeFile(join(stack.protectPath, 'sub', 'a.txt'), randomBytes(20));
  await writeFile(join(stack.protectPath, 'b.raw'), randomBytes(3 * 1024 * 1024));
});
afterEach(() => stack.proxy.heal());
afterAll(() => stack.close());

interface RunRow {
  readonly state: string;
  readonly outcome: string | null;
  readonly error_code: string | null;
  readonly unread_count: number;
}

async function deviceOf(statePath: string): Promise<{ id: string; vaultFolder: string; password: string }> {
  const identity = await loadIdentity(statePath);
  const vaultFolder = join(stack.storeRoot, 'v', identity.tenantId, identity.vaultId);
  return { id: identity.deviceId, vaultFolder, password: identity.repositoryPassword };
}

async function runsOf(statePath: string): Promise<RunRow[]> {
  const { id } = await deviceOf(statePath);
  return await stack.sql<RunRow>(
    'SELECT state, outcome, error_code, unread_count FROM backup_run WHERE device_id = $1 ORDER BY started_at, id',
    [id],
  );
}

async function pointsOf(statePath: string): Promise<number> {
  const { id } = await deviceOf(statePath);
  return Number((await stack.sql('SELECT count(*) AS n FROM restore_point WHERE device_id = $1', [id]))[0]?.n);
}

/** Stock restic reads every byte of the vault. */
async function assertSound(statePath: string): Promise<void> {
  const { vaultFolder, password } = await deviceOf(statePath);
  const env = { ...process.env, RESTIC_PASSWORD: password };
  const args = ['-r', vaultFolder, '--no-lock', '--no-cache', 'check', '--read-data'];
  expect((await run('restic', args, { env })).stdout).toContain('no errors were found');
}

async function assertRestores(statePath: string): Promise<void> {
  const target = join(statePath, '..', `restored-${randomBytes(4).toString('hex')}`);
  const restored = await stack.run(statePath, 'restore', 'latest', '--target', target, '--include', stack.protectPath);
  expect(restored.stderr).toBe('');
  await run('diff', ['-r', stack.protectPath, join(target, stack.protectPath)]);
  await rm(target, { recursive: true });
}

test('an answer or a request that is lost anywhere in a run has no second effect: one sealed restore point', async () => {
  const statePath = await stack.enrolled();
  const steps = [
    'POST /agent/v1/runs$',
    'POST /agent/v1/reads$',
    'POST /agent/v1/runs/[^/]+/leases',
    'PUT /objects/v1/v/.*/data/',
    'PUT /objects/v1/staging/.*/index/',
    'PUT /objects/v1/staging/.*/snapshots/',
    'POST /agent/v1/runs/[^/]+/commit',
    'GET /agent/v1/runs/',
  ];
  const faults = ['lose-request', 'lose-answer', 'unavailable'] as const;
  for (const [at, fault] of faults.entries()) {
    await writeFile(join(stack.protectPath, 'new.raw'), randomBytes(600_000));
    for (const step of steps) stack.proxy.break(new RegExp(`^${step}`), fault);
    const { code, stderr } = await stack.run(statePath, 'backup');
    expect(code, `${fault}: ${stderr}`).toBe(0);
    expect(stack.proxy.unmet, fault).toEqual([]);
    expect(await pointsOf(statePath), fault).toBe(at + 1);
  }
  const states = (await runsOf(statePath)).map(({ state }) => state);
  expect(states.filter((state) => state === 'sealed')).toHaveLength(faults.length);
  // A run whose begin was answered into the void is ended by the next one, and never stays open.
  expect(states.filter((state) => state !== 'sealed')).toEqual(['aborted']);
  await assertSound(statePath);
  await assertRestores(statePath);
});

test('bytes that are damaged on the way are refused and sent again', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.break(/^PUT .*\/data\//, 'flip-bit', 2);
  stack.proxy.break(/^PUT .*\/index\//, 'flip-bit');
  stack.proxy.break(/^PUT .*\/snapshots\//, 'flip-bit');
  const { code, stderr } = await stack.run(statePath, 'backup');
  expect(stack.proxy.unmet).toEqual([]);
  expect(code, stderr).toBe(0);
  await assertSound(statePath);
});

test('bytes that arrive damaged every time fail the run, which says so and leaves nothing sealed', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.break(/^PUT .*\/data\//, 'flip-bit', 1000);
  const { code, stderr } = await stack.run(statePath, 'backup');
  expect(code).toBe(1);
  expect(stderr).not.toBe('');
  expect(await runsOf(statePath)).toMatchObject([
    { state: 'failed', outcome: 'failed', error_code: 'object_mismatch' },
  ]);
  expect(await pointsOf(statePath)).toBe(0);
});

test('killed in the middle of its uploads, the next run uses every pack that arrived and seals', async () => {
  const statePath = await stack.enrolled();
  for (let number = 0; number < 8; number += 1)
    await writeFile(join(stack.protectPath, `large-${number}.raw`), randomBytes(10 * 1024 * 1024));
  stack.proxy.uploadDelayMs = 700;
  const killed = stack.agent(statePath, ['backup']);
  const deadline = Date.now() + 60_000;
  while (stack.proxy.storedPacks.length < 3 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await killed.stop('SIGKILL');
  // What the proxy has in hand still arrives.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const { vaultFolder: vault } = await deviceOf(statePath);
  const arrived: number[] = [];
  for (const name of await readdir(join(vault, 'data'), { recursive: true }))
    if (name.includes('/')) arrived.push((await stat(join(vault, 'data', name))).size);
  expect(arrived.length).toBeGreaterThanOrEqual(3);
  const firstTry = new Set(stack.proxy.storedPacks);
  stack.proxy.heal();

  const next = await stack.run(statePath, 'backup', '--json');
  expect(next.stderr).toBe('');
  expect(next.code).toBe(0);
  const sentAgain = stack.proxy.passed.filter(({ method, path }) => method === 'PUT' && path.includes('/data/'));
  for (const { path } of sentAgain) expect(firstTry.has(path)).toBe(false);
  // 83 MiB of random bytes were to be stored, and little beside: what had arrived was not sent again.
  const sentBytes = sentAgain.reduce((sum, { body }) => sum + body.length, 0);
  const arrivedBytes = arrived.reduce((sum, size) => sum + size, 0);
  expect(sentBytes).toBeLessThan(84 * 1024 * 1024 - arrivedBytes);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'aborted' }, { state: 'sealed', outcome: 'ok' }]);
  expect(await readdir(statePath)).not.toContain('pending-packs.jsonl');
  await assertSound(statePath);
  await assertRestores(statePath);

  // And a pack that is noted but did not stay is sent again.
  await writeFile(join(stack.protectPath, 'more.raw'), randomBytes(9 * 1024 * 1024));
  stack.proxy.break(/^PUT .*\/index\//, 'flip-bit', 1000);
  expect((await stack.run(statePath, 'backup')).code).toBe(1);
  const { vaultFolder } = await deviceOf(statePath);
  const lost = JSON.parse((await readFile(join(statePath, 'pending-packs.jsonl'), 'utf8')).split('\n')[0] ?? '') as {
    object: { key: string };
  };
  await rm(join(vaultFolder, lost.object.key));
  stack.proxy.heal();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  await assertSound(statePath);
  await assertRestores(statePath);
}, 300_000);

test('Ctrl-C ends a run within seconds; the server knows, and nothing is sealed', async () => {
  const statePath = await stack.enrolled();
  stack.proxy.heal();
  stack.proxy.uploadDelayMs = 60_000;
  const stopped = stack.agent(statePath, ['backup']);
  const deadline = Date.now() + 30_000;
  while (!stack.proxy.passed.some(({ method }) => method === 'PUT') && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const { code } = await stopped.stop('SIGINT');
  expect(code).toBe(1);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'aborted', error_code: 'cancelled' }]);
  stack.proxy.heal();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
});

test('a source that is gone or empty fails the run by name; the earlier restore point stays the newest', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  await rm(stack.protectPath, { recursive: true });
  for (const make of [async () => undefined, async () => mkdir(stack.protectPath)]) {
    await make();
    const { code, stderr } = await stack.run(statePath, 'backup');
    expect(code).toBe(1);
    expect(stderr).toContain(stack.protectPath);
  }
  const [first, ...failed] = await runsOf(statePath);
  expect(first).toMatchObject({ state: 'sealed' });
  expect(failed).toMatchObject([
    { state: 'failed', error_code: 'source_missing' },
    { state: 'failed', error_code: 'source_missing' },
  ]);
  expect(await pointsOf(statePath)).toBe(1);
});

test('what the agent may not read makes the run partial: named, counted, exit code 3, the rest sealed', async () => {
  const statePath = await stack.enrolled();
  await writeFile(join(stack.protectPath, 'secret.txt'), 'not for the agent');
  await chmod(join(stack.protectPath, 'secret.txt'), 0);
  // Root reads everything: then the agent runs as somebody else.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    await run('chown', ['-R', '65534:65534', statePath]);
    await chmod(stack.folder, 0o755);
    await chown(join(stack.protectPath, 'secret.txt'), 0, 0);
  }
  const backup = await stack.agent(statePath, ['backup'], {}, isRoot ? 65_534 : undefined).ended;
  expect(backup.stderr).toContain(join(stack.protectPath, 'secret.txt'));
  expect(backup.code).toBe(3);
  expect(await runsOf(statePath)).toMatchObject([{ state: 'sealed', outcome: 'partial', unread_count: 1 }]);
  expect(await pointsOf(statePath)).toBe(1);
});

test('a damaged or deleted cache heals by itself', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  const cache = join(statePath, 'cache');
  const files = (await readdir(cache, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(2);
  for (const [at, entry] of files.entries()) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (at % 2 === 0) bytes[bytes.length >> 1]! ^= 0x40;
    await writeFile(path, at % 2 === 0 ? bytes : bytes.subarray(0, bytes.length - 9));
  }
  stack.proxy.heal();
  const { code, stderr } = await stack.run(statePath, 'backup');
  expect(stderr).toContain('damaged');
  expect(code).toBe(0);
  // Nothing of the 3 MiB was sent again: the repaired index knows it.
  const sent = stack.proxy.passed
    .filter(({ method }) => method === 'PUT')
    .reduce((sum, { body }) => sum + body.length, 0);
  expect(sent).toBeLessThan(100_000);
  await rm(cache, { recursive: true });
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  await assertSound(statePath);
});

test('a clock that is wrong by hours is healed by the server’s time, which dates the restore point', async () => {
  const statePath = await stack.enrolled();
  const identity = await loadIdentity(statePath);
  const { policy } = await loadState(statePath);
  if (policy === null) throw new Error('no policy');
  for (const offsetMs of [-26 * 3_600_000, 10 * 365 * 86_400_000]) {
    const client = new GatewayClient({
      serverUrl: stack.url,
      device: identity,
      log: silentLog,
      clock: { nowMs: () => Date.now() + offsetMs },
    });
    const options = { trigger: 'manual', occurrenceId: null, commandId: null } as const;
    const report = await runBackup({ statePath, identity, policy, client, log: silentLog, ...options });
    client.close();
    expect(report.result).toBe('ok');
    const [point] = await stack.sql(
      'SELECT capture_at FROM restore_point WHERE device_id = $1 ORDER BY sealed_at DESC LIMIT 1',
      [identity.deviceId],
    );
    expect(point?.capture_at).toBeInstanceOf(Date);
    expect(Math.abs(Number(point?.capture_at) - Date.now())).toBeLessThan(120_000);
  }
});

test('a recorded request is worth nothing to whoever sends it again', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'snapshots')).code).toBe(0);
  const recorded = stack.proxy.passed.find(({ path }) => path === '/agent/v1/snapshots');
  if (recorded === undefined) throw new Error('nothing was recorded');
  const { host: _, connection: __, 'content-length': ___, ...headers } = recorded.headers;
  const answer = await fetch(stack.url + recorded.target, {
    method: recorded.method,
    headers: headers as Record<string, string>,
    body: Buffer.from(recorded.body),
  });
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ error: { code: 'replayed_request' } });
});

test('a full disk under the state folder fails nothing that can go on, and leaves a state that loads', async () => {
  const statePath = await stack.newState();
  // A file system of its own, one megabyte: only where this user may make one. The same guarantees are tested with an
  // injected ENOSPC beside the sources, so that nothing depends on it alone.
  const hasMount = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', statePath]).then(
    () => true,
    () => false,
  );
  console.log(
    hasMount
      ? 'full disk: a tmpfs of 1 MiB'
      : 'full disk: this user may not mount; covered by atomic-file.test.ts alone',
  );
  if (!hasMount) return;
  try {
    expect((await stack.enrol(statePath, await stack.createToken())).code).toBe(0);
    await writeFile(join(statePath, 'filler'), randomBytes(1024 * 1024)).catch(() => undefined);
    const backup = await stack.run(statePath, 'backup');
    expect(backup.stderr).toContain('full');
    expect(backup.code).toBe(0);
    await rm(join(statePath, 'filler'));
    const status = JSON.parse((await stack.run(statePath, 'status', '--json')).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({ server: { isReachable: true } });
    expect((await stack.run(statePath, 'backup')).code).toBe(0);
    await assertSound(statePath);
  } finally {
    await run('umount', [statePath]);
  }
});
