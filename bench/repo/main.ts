/**
 * First backup and full restore of one seeded folder with stock restic and with `holdfast repo`, in turn in one run, both
 * with their defaults on a repository in a local folder. Each restored tree is compared with the source by diff, and stock
 * restic checks every byte of the repository that ours made.
 *
 *   npm run bench -- repo [--mib 1024] [--rounds 3] [--seed holdfast]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Measurement, measure, median } from '../measure.ts';
import { makeCorpus } from './corpus.ts';

/** Wall time of ours by restic's, at most. */
const BOUND = 1.5;
const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: 'holdfast' },
  },
});

interface Program {
  readonly name: 'restic' | 'holdfast';
  readonly init: readonly string[];
  readonly backup: readonly string[];
  readonly restore: readonly string[];
}

function programs(scratch: string, source: string): Program[] {
  const passwordFile = path.join(scratch, 'password');
  writeFileSync(passwordFile, 'benchmark\n', { mode: 0o600 });
  const repo = (name: string): string[] => ['--repo', path.join(scratch, name), '--password-file', passwordFile];
  const target = (name: string): string => path.join(scratch, `${name}-restored`);
  const restic = ['restic', ...repo('restic')];
  const ours = (command: string): string[] => [HOLDFAST, 'repo', command, ...repo('holdfast')];
  return [
    {
      name: 'restic',
      init: [...restic, 'init'],
      backup: [...restic, 'backup', source],
      restore: [...restic, 'restore', 'latest', '--target', target('restic')],
    },
    {
      name: 'holdfast',
      init: ours('init'),
      backup: [...ours('backup'), source],
      restore: [...ours('restore'), 'latest', '--target', target('holdfast')],
    },
  ];
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

type Figures = Record<'restic' | 'holdfast', { backup: Measurement[]; restore: Measurement[]; storedBytes: number }>;

function runRounds(scratch: string, source: string, rounds: number): Figures {
  const figures: Figures = {
    restic: { backup: [], restore: [], storedBytes: 0 },
    holdfast: { backup: [], restore: [], storedBytes: 0 },
  };
  const env = { RESTIC_CACHE_DIR: path.join(scratch, 'cache'), RESTIC_PROGRESS_FPS: '0.1' };
  for (let round = 0; round < rounds; round += 1) {
    const both = programs(scratch, source);
    // Whoever comes first may find a colder machine: it is not always the same.
    if (round % 2 === 1) both.reverse();
    for (const { name, init, backup } of both) {
      measure(init, env);
      figures[name].backup.push(measure(backup, env));
      figures[name].storedBytes = sizeOf(path.join(scratch, name));
    }
    for (const { name, restore } of both) {
      figures[name].restore.push(measure(restore, env));
      const restored = path.join(scratch, `${name}-restored`);
      execFileSync('diff', ['-r', source, path.join(restored, source)], { stdio: 'inherit' });
      rmSync(restored, { recursive: true });
    }
    console.log(`  round ${round + 1}: ${both.map(({ name }) => wordsOf(name, figures[name])).join('; ')}`);
    if (round === 0) checkOurs(scratch);
    for (const name of ['restic', 'holdfast', 'cache'])
      rmSync(path.join(scratch, name), { recursive: true, force: true });
  }
  return figures;
}

function wordsOf(name: string, { backup, restore }: Figures['restic']): string {
  const seconds = (one: Measurement | undefined): string => `${one?.wallSeconds.toFixed(1)} s`;
  return `${name} backup ${seconds(backup.at(-1))}, restore ${seconds(restore.at(-1))}`;
}

function checkOurs(scratch: string): void {
  const repo = ['-r', path.join(scratch, 'holdfast'), '--password-file', path.join(scratch, 'password')];
  execFileSync('restic', [...repo, '--no-cache', 'check', '--read-data'], { stdio: ['ignore', 'ignore', 'inherit'] });
  console.log('  stock restic checked every byte of our repository: no errors');
}

function printTable(figures: Figures): boolean {
  console.log('\n  median            restic   holdfast   ratio   at most');
  let isWithin = true;
  const row = (label: string, restic: number, ours: number, unit: string, bound?: number): void => {
    const ratio = ours / restic;
    if (bound !== undefined && !(ratio <= bound)) isWithin = false;
    const cells = [`${restic.toFixed(1)} ${unit}`.padStart(9), `${ours.toFixed(1)} ${unit}`.padStart(10)];
    console.log(`  ${label.padEnd(15)} ${cells.join(' ')} ${ratio.toFixed(2).padStart(7)}   ${bound ?? ''}`);
  };
  for (const work of ['backup', 'restore'] as const) {
    const of = (name: keyof Figures, key: keyof Measurement): number =>
      median(figures[name][work].map((one) => one[key]));
    row(`${work}, wall`, of('restic', 'wallSeconds'), of('holdfast', 'wallSeconds'), 's', BOUND);
    row(`${work}, CPU`, of('restic', 'cpuSeconds'), of('holdfast', 'cpuSeconds'), 's');
  }
  const mib = (name: keyof Figures): number => figures[name].storedBytes / 2 ** 20;
  row('stored', mib('restic'), mib('holdfast'), 'MiB');
  return isWithin;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-repo-'));
try {
  const source = path.join(scratch, 'source');
  mkdirSync(source);
  const { files, bytes } = makeCorpus(source, values.seed, Number(values.mib) * 2 ** 20);
  const version = execFileSync('restic', ['version'], { encoding: 'utf8' }).trim();
  console.log(
    `holdfast repo beside ${version}\n  ${files.toLocaleString('en')} files, ${Math.round(bytes / 2 ** 20)} MiB, seed ${values.seed}, ${values.rounds} rounds`,
  );
  // Both read from memory: the disk of a virtual machine is not what is measured.
  execFileSync('tar', ['-cf', path.join(scratch, 'warm'), '-C', source, '.']);
  rmSync(path.join(scratch, 'warm'));
  if (!printTable(runRounds(scratch, source, Number(values.rounds)))) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
