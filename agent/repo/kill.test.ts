/** F6, "interrupted anywhere": a real backup process is killed at random moments; the next ones continue where it was. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { describeTree } from '../../core/repository/testing/nasty-tree.ts';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Put the printed seed here to repeat a run. */
const seed = Math.floor(Math.random() * 2 ** 31);
console.log(`kill seed ${seed}`);
const KILLS_MAX = 12;
/** Eight packs of 16 MiB: a backup that takes long enough to be killed in its middle. */
const FILES = 16;
const FILE_BYTES = 8 * 1024 * 1024;

let scratch: string;
let source: string;
let repo: string;
let passwordFile: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-kill-'));
  source = join(scratch, 'source');
  repo = join(scratch, 'repository');
  passwordFile = join(scratch, 'password');
  writeFileSync(passwordFile, 'killed\n');
  mkdirSync(source);
  for (let at = 0; at < FILES; at += 1) writeFileSync(join(source, `large-${at}`), noise(FILE_BYTES, `large ${at}`));
  execFileSync(process.execPath, [MAIN, 'repo', 'init', '--repo', repo, '--password-file', passwordFile]);
  await cheapenKey(repo, 'killed');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function restic(...args: string[]): string {
  return execFileSync('restic', ['-r', repo, '--password-file', passwordFile, '--no-cache', '--no-lock', ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

const packs = (): string[] =>
  !existsSync(join(repo, 'data'))
    ? []
    : readdirSync(join(repo, 'data'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/'));

/** Runs a backup and kills it, by SIGKILL, so many milliseconds after its start; its exit code when it was done before. */
async function backUp(killAfterMs?: number, into = repo): Promise<number | null> {
  const args = [MAIN, 'repo', 'backup', '--repo', into, '--password-file', passwordFile, source];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return code;
}

/** How long a whole one takes here and now, into a repository of its own. */
async function wholeMs(): Promise<number> {
  const other = join(scratch, 'other');
  cpSync(repo, other, { recursive: true });
  const startedMs = performance.now();
  expect(await backUp(undefined, other)).toBe(0);
  const ms = performance.now() - startedMs;
  rmSync(other, { recursive: true });
  return ms;
}

test('killed at random moments, nothing is damaged, nothing that arrived is stored twice, and one run that is let live completes', async () => {
  const random = (nth: number): number => noise(4, `${seed} ${nth}`).readUInt32LE() / 2 ** 32;
  const ms = await wholeMs();
  const startedMs = performance.now();
  let killed = 0;
  let arrived: string[] = [];
  for (let nth = 0; nth < KILLS_MAX && performance.now() - startedMs < 40_000; nth += 1) {
    // The first one in its first half, so that there is one; later ones have less to do, and may be done before.
    const code = await backUp((0.1 + random(nth) * (nth === 0 ? 0.4 : 0.7)) * ms);
    if (code !== null) break;
    killed += 1;
    const now = packs();
    for (const pack of arrived) expect(now).toContain(pack);
    arrived = now;
    // Packs that no index names are no damage; restic says so as well.
    expect(restic('check')).toContain('no errors were found');
    expect(JSON.parse(restic('snapshots', '--json'))).toEqual([]);
  }
  expect(killed, `seed ${seed}`).toBeGreaterThan(0);
  expect(await backUp()).toBe(0);
  const after = packs();
  for (const pack of arrived) expect(after).toContain(pack);
  const target = join(scratch, 'restored');
  restic('restore', 'latest', '--target', target);
  expect(describeTree(join(target, source))).toEqual(describeTree(source));
  expect(restic('check', '--read-data')).toContain('no errors were found');
  // Random bytes, each once, and little beside: what had arrived was not stored again.
  const stored = after.reduce((sum, name) => sum + statSync(join(repo, 'data', name)).size, 0);
  expect(stored, `${killed} kills, seed ${seed}`).toBeLessThan(FILES * FILE_BYTES * 1.02);
  // No lock of a dead process stays behind.
  expect(readdirSync(join(repo, 'locks'))).toEqual([]);
});
