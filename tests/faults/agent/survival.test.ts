/** What a machine's agent survives, end to end: kills at random moments, a disk that is missing, a copy of itself. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadIdentity } from '../../../agent/state/identity.ts';
import { ServiceStack } from '../../support/service-stack.ts';

const run = promisify(execFile);
/** Put the printed seed here to repeat the moments of the kills. */
const seed = Math.floor(Math.random() * 2 ** 31);
console.log(`survival seed ${seed}`);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
});
beforeEach(async () => {
  await rm(stack.protectPath, { recursive: true, force: true });
  await mkdir(stack.protectPath);
});
afterEach(() => stack.proxy.heal());
afterAll(() => stack.close());

async function alertsOf(statePath: string): Promise<string[]> {
  const { deviceId } = await loadIdentity(statePath);
  const rows = await stack.sql('SELECT kind FROM alert WHERE device_id = $1 AND resolved_at IS NULL', [deviceId]);
  return rows.map(({ kind }) => String(kind));
}

async function sealedOf(statePath: string): Promise<number> {
  const { deviceId } = await loadIdentity(statePath);
  const [row] = await stack.sql('SELECT count(*) AS n FROM restore_point WHERE device_id = $1', [deviceId]);
  return Number(row?.n);
}

async function until(what: string, look: () => Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('the daemon killed at random moments: no pack is sent twice, and what is sealed in the end restores', async () => {
  for (let at = 0; at < 10; at += 1)
    await writeFile(join(stack.protectPath, `large-${at}`), randomBytes(8 * 1024 * 1024));
  const statePath = await stack.enrolled();
  const stored: string[] = [];
  let random = seed;
  for (let kill = 0; kill < 4 && (await sealedOf(statePath)) === 0; kill += 1) {
    stack.proxy.heal();
    stack.proxy.uploadDelayMs = 300;
    const daemon = stack.agent(statePath, ['run']);
    await Promise.race([
      until('an upload', async () => stack.proxy.storedPacks.length > 0),
      until('the seal', async () => (await sealedOf(statePath)) > 0),
    ]);
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    await new Promise((resolve) => setTimeout(resolve, random % 1200));
    await daemon.stop('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 800)); // what the proxy has in hand still arrives
    stored.push(...stack.proxy.storedPacks);
  }
  expect(stored.length).toBeGreaterThan(0);
  stack.proxy.heal();
  if ((await sealedOf(statePath)) === 0) expect((await stack.run(statePath, 'backup')).code).toBe(0);
  stored.push(...stack.proxy.storedPacks);
  // Each pack once, and all of them together little more than the 80 MiB that there are to store.
  expect(new Set(stored).size).toBe(stored.length);
  const { tenantId, vaultId, repositoryPassword } = await loadIdentity(statePath);
  const vault = join(stack.storeRoot, 'v', tenantId, vaultId);
  const { stdout } = await run('du', ['-sb', join(vault, 'data')]);
  expect(Number.parseInt(stdout, 10), `seed ${seed}`).toBeLessThan(80 * 1024 * 1024 * 1.1);
  const env = { ...process.env, RESTIC_PASSWORD: repositoryPassword };
  const checked = await run('restic', ['-r', vault, '--no-lock', '--no-cache', 'check', '--read-data'], { env });
  expect(checked.stdout).toContain('no errors were found');
  const target = join(stack.folder, 'survived');
  expect((await stack.run(statePath, 'restore', 'latest', '--target', target)).code).toBe(0);
  await run('diff', ['-r', stack.protectPath, join(target, stack.protectPath)]);
}, 300_000);

test('a source of which nearly all is gone is backed up as it is, and the service raises an alert', async () => {
  for (let at = 0; at < 50; at += 1) await writeFile(join(stack.protectPath, `file-${at}`), `${at}`);
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  expect(await alertsOf(statePath)).not.toContain('suspicious');
  for (const name of (await readdir(stack.protectPath)).slice(2)) await rm(join(stack.protectPath, name));
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  expect(await sealedOf(statePath)).toBe(2);
  expect(await alertsOf(statePath)).toContain('suspicious');
  // What the agent counted is kept with each point: the first has nothing before it, of the second two files and the canary are left.
  const points = await stack.sql(
    `SELECT former_files::int AS former, changed_files::int AS changed, gone_files::int AS gone, file_read_bytes::int AS read,
      file_new_bytes::int AS new FROM restore_point WHERE device_id = $1 ORDER BY sealed_at`,
    [(await loadIdentity(statePath)).deviceId],
  );
  expect(points).toMatchObject([{ former: null, gone: null }, { changed: 1 }]);
  expect(Number(points[1]?.former) - Number(points[1]?.gone)).toBe(3);
  for (const { read, new: added } of points) expect(Number(read) >= Number(added) && Number(added) > 0).toBe(true);
});

test('a copy of the machine and the machine itself are both paused, and told why; a quiet day later it goes on', async () => {
  await writeFile(join(stack.protectPath, 'file'), 'one');
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  const copy = `${statePath}-copy`;
  await run('cp', ['-a', statePath, copy]);
  const { deviceId } = await loadIdentity(statePath);
  const isSuspected = async (): Promise<boolean> =>
    (await stack.sql('SELECT 1 FROM device WHERE id = $1 AND suspected_clone_at IS NOT NULL', [deviceId])).length > 0;
  const beat = async (path: string): Promise<void> => {
    stack.proxy.heal();
    const daemon = stack.agent(path, ['run']);
    await until('a heartbeat', async () =>
      stack.proxy.passed.some(({ path: asked, status }) => asked.endsWith('/heartbeat') && status === 200),
    );
    await daemon.stop();
  };
  await beat(statePath);
  expect(await isSuspected()).toBe(false);
  await beat(copy);
  expect(await isSuspected()).toBe(true);
  expect(await alertsOf(statePath)).toContain('clone');
  for (const path of [statePath, copy]) {
    const { code, stderr } = await stack.run(path, 'backup');
    expect(code).toBe(1);
    expect(stderr).toContain('Two machines use the identity');
  }
  expect(await sealedOf(statePath)).toBe(1);

  await stack.sql("UPDATE device SET suspected_clone_at = now() - interval '25 hours' WHERE id = $1", [deviceId]);
  await beat(statePath);
  expect(await isSuspected()).toBe(false);
  expect(await alertsOf(statePath)).not.toContain('clone');
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
});
