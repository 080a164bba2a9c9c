/**
 * How long short commands take from the one file and from the checkout, beside Node that does nothing: whole processes, all in
 * turn, so that what the machine is busy with meets them alike. Ratios are of medians.
 *
 *   npm run bench -- agent-start [--rounds 15]
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAgent } from '../../tools/build-agent.mjs';
import { measure, type Measurement, median } from '../measure.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
/** What the agent promises: a start of at most this. */
const BOUND_SECONDS = 0.2;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number above 0, not ${values.rounds}`);

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-agent-'));
try {
  const agent = path.join(folder, 'holdfast-agent.mjs');
  writeFileSync(agent, await buildAgent());
  chmodSync(agent, 0o755);
  const source = path.join(CHECKOUT, 'bin/holdfast');
  const repository = path.join(folder, 'repository');
  const password = path.join(folder, 'password');
  const state = path.join(folder, 'state');
  writeFileSync(password, 'a password\n');
  mkdirSync(state);
  const env = { HOME: path.join(folder, 'home'), HOLDFAST_NODE: process.execPath };
  const repo = ['--repo', repository, '--password-file', password];
  const made = spawnSync(agent, ['repo', 'init', ...repo], { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`no repository could be made: ${made.stderr}`);

  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['--version', ['--version']],
    ['repo --help', ['repo', '--help']],
    ['status (not enrolled)', ['status', '--state', state]],
    ['repo snapshots', ['repo', 'snapshots', ...repo]],
  ];
  const cases = [
    ['node -e 0', [process.execPath, '-e', '0']] as const,
    ...commands.flatMap(([name, args]) => [
      [`one file  ${name}`, [agent, ...args]] as const,
      [`checkout  ${name}`, [source, ...args]] as const,
    ]),
  ];
  const results = new Map<string, Measurement[]>(cases.map(([name]) => [name, []]));
  // One round before the first counts: it fills the caches of compiled code.
  for (let round = -1; round < rounds; round += 1)
    for (const [name, command] of cases) {
      const result = await measure(['sh', '-c', '"$@" || test $? -eq 1', 'sh', ...command], env);
      if (round >= 0) results.get(name)!.push(result);
    }
  report(cases.map(([name]) => [name, results.get(name)!]));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function report(rows: readonly (readonly [string, readonly Measurement[]])[]): void {
  const of = (results: readonly Measurement[], pick: (one: Measurement) => number): number => median(results.map(pick));
  const base = rows[0]![1];
  const bare = { wall: of(base, (one) => one.wallSeconds), cpu: of(base, (one) => one.cpuSeconds) };
  console.log(`${'median of whole processes'.padEnd(36)}   wall      CPU   to node: wall    CPU`);
  for (const [name, results] of rows) {
    const wall = of(results, (one) => one.wallSeconds);
    const cpu = of(results, (one) => one.cpuSeconds);
    const figures = [wall, cpu].map((seconds) => `${(seconds * 1000).toFixed(0).padStart(5)} ms`).join(' ');
    console.log(
      `${name.padEnd(36)} ${figures}          ${(wall / bare.wall).toFixed(2)}   ${(cpu / bare.cpu).toFixed(2)}`,
    );
  }
  const start = of(rows.find(([name]) => name === 'one file  --version')![1], (one) => one.wallSeconds);
  console.log(
    `start of the one file: ${(start / BOUND_SECONDS).toFixed(2)} of the ${BOUND_SECONDS} s that it may take`,
  );
}
