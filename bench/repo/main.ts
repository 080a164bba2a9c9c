/**
 * `holdfast repo` beside stock restic on the same work, in turn in one run, both with their defaults on repositories in a
 * local folder that cut files in the same places, whole processes. Each restored tree is compared with the source by diff, and stock restic reads every byte of
 * the repositories that ours made. In a folder of a memory file system (/dev/shm) the programs are compared alone, without the
 * moods of a virtual disk.
 *
 * The restic beside which ours is measured is 0.19, from Debian's packages (downloaded once); --restic names another.
 *
 *   npm run bench -- repo [--only mixed,large,small] [--rounds 3] [--scale 1] [--seed holdfast] [--restic PATH] [--folder /tmp]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureRestic } from '../../tools/test/ensure-restic.ts';
import { type Measurement, median } from '../measure.ts';
import { changeInPlace, type Corpus, makeLarge, makeMixed, makeSmall } from './corpus.ts';
import { Program } from './programs.ts';

const GIB = 2 ** 30;

/** Ours by restic's, at most. */
interface Bounds {
  readonly wall: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly stored?: number;
}

interface Work {
  readonly label: string;
  readonly bounds: Bounds;
  readonly run: 'backup' | 'restore' | 'check';
  /** Done once to the source before both programs begin. */
  readonly before?: (source: string, seed: string) => void;
}

interface Scenario {
  readonly about: string;
  readonly make: (source: string, seed: string, scale: number) => Corpus;
  readonly work: readonly Work[];
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  mixed: {
    about: 'small text files, pictures, large files',
    make: (source, seed, scale) => makeMixed(source, seed, scale * GIB),
    work: [
      { label: 'first backup', run: 'backup', bounds: { wall: 1.5 } },
      { label: 'restore', run: 'restore', bounds: { wall: 1.5 } },
    ],
  },
  large: {
    about: 'large files, half compressible',
    make: (source, seed, scale) => makeLarge(source, seed, scale * 2 * GIB),
    work: [
      { label: 'first backup', run: 'backup', bounds: { wall: 0.75, cpu: 0.7, stored: 1.02 } },
      {
        label: '1 % changed',
        run: 'backup',
        bounds: { wall: 0.75, stored: 1.05 },
        before: (source, seed) => changeInPlace(source, seed, 0.01),
      },
      { label: 'restore', run: 'restore', bounds: { wall: 0.8 } },
      { label: 'check --read-data', run: 'check', bounds: { wall: 1 } },
    ],
  },
  small: {
    about: 'small files',
    make: (source, seed, scale) => makeSmall(source, seed, scale * 60_000),
    work: [
      { label: 'first backup', run: 'backup', bounds: { wall: 0.8, memory: 1.5 } },
      { label: 'unchanged tree', run: 'backup', bounds: { wall: 0.33 } },
      { label: 'restore', run: 'restore', bounds: { wall: 0.8 } },
      { label: 'check --read-data', run: 'check', bounds: { wall: 1 } },
    ],
  },
};

/** Enough for every command to start its threads. */
const WARM_BYTES = 128 * 1024 * 1024;

type Figure = Measurement & { readonly addedBytes: number };
type Name = Program['name'];
/** By the number of the work in its scenario. */
type Figures = Map<number, Record<Name, Figure[]>>;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'holdfast' },
    restic: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});

const restic = values.restic ?? ensureRestic('0.19');

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

/**
 * A virtual machine gets memory from its host when it first writes to it, which takes longer than restoring into it: as much as a
 * restore will write is written and given back before each, so that the second one does not find what the first has paid for.
 */
function touchMemory(source: string, target: string): void {
  execFileSync('cp', ['-r', source, target]);
  rmSync(target, { recursive: true });
}

async function runRound(
  scenario: Scenario,
  programs: readonly Program[],
  source: string,
  round: number,
): Promise<Figures> {
  const figures: Figures = new Map();
  const [first, second] = programs as [Program, Program];
  await first.init();
  await second.initLike(first);
  for (const [number, work] of scenario.work.entries()) {
    work.before?.(source, `${values.seed} ${round}`);
    const both: Partial<Record<Name, Figure[]>> = {};
    for (const program of programs) {
      const before = sizeOf(program.repo);
      if (work.run === 'restore') touchMemory(source, program.target);
      const measured = await (work.run === 'backup' ? program.backup(source) : program[work.run]());
      both[program.name] = [{ ...measured, addedBytes: sizeOf(program.repo) - before }];
      if (work.run === 'restore') {
        execFileSync('diff', ['-r', source, path.join(program.target, source)], { stdio: 'inherit' });
        rmSync(program.target, { recursive: true });
      }
    }
    figures.set(number, both as Record<Name, Figure[]>);
  }
  return figures;
}

/** The witness: stock restic reads every byte of what ours made. */
function checkWithRestic(program: Program, passwordFile: string): void {
  const repo = ['-r', program.repo, '--password-file', passwordFile, '--no-cache'];
  execFileSync(restic, [...repo, 'check', '--read-data'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * An agent that is installed has run before: what Node compiles of it is kept. Otherwise the first round after a change of code
 * would compile, and be slower and larger by it.
 */
async function warmUp(scratch: string, passwordFile: string): Promise<void> {
  const folder = path.join(scratch, 'warm');
  const source = path.join(folder, 'source');
  mkdirSync(source, { recursive: true });
  makeMixed(source, values.seed, WARM_BYTES);
  const program = new Program('holdfast', restic, folder, passwordFile);
  await program.init();
  await program.backup(source);
  await program.restore();
  await program.check();
  rmSync(folder, { recursive: true });
}

async function runScenario(name: string, scenario: Scenario, scratch: string): Promise<boolean> {
  const source = path.join(scratch, 'source');
  const passwordFile = path.join(scratch, 'password');
  mkdirSync(source);
  writeFileSync(passwordFile, 'benchmark\n', { mode: 0o600 });
  await warmUp(scratch, passwordFile);
  const { files, bytes } = scenario.make(source, values.seed, Number(values.scale));
  console.log(
    `\n  ${name}: ${files.toLocaleString('en')} files, ${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB, ${scenario.about}`,
  );
  const all: Figures = new Map(
    scenario.work.map((_work, number) => [number, { restic: [], holdfast: [] }] as [number, Record<Name, Figure[]>]),
  );
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Both read from memory: the disk of a virtual machine is not what is measured.
    execFileSync('bash', ['-c', 'tar -cf - -C "$1" . | cat > /dev/null', 'bash', source]);
    const programs = (['restic', 'holdfast'] as const).map((one) => new Program(one, restic, scratch, passwordFile));
    // Whoever comes first may find a colder machine: it is not always the same.
    const inTurn = round % 2 === 0 ? programs : programs.toReversed();
    const figures = await runRound(scenario, inTurn, source, round);
    for (const [number, both] of figures) {
      all.get(number)!.restic.push(...both.restic);
      all.get(number)!.holdfast.push(...both.holdfast);
    }
    if (round === 0) checkWithRestic(programs[1]!, passwordFile);
    for (const one of programs) rmSync(one.repo, { recursive: true });
  }
  return printTable(scenario, all);
}

function printTable(scenario: Scenario, all: Figures): boolean {
  console.log('                                restic     holdfast   ratio  at most');
  let isWithin = true;
  for (const [number, work] of scenario.work.entries()) {
    const { restic, holdfast } = all.get(number)!;
    const row = (what: string, of: (figure: Figure) => number, unit: string, bound?: number, isShown = true): void => {
      const [theirs, ours] = [median(restic.map(of)), median(holdfast.map(of))];
      const ratio = ours / theirs;
      const isOver = bound !== undefined && !(ratio <= bound);
      if (isOver) isWithin = false;
      if (!isShown && bound === undefined) return;
      const cells = [theirs, ours].map((value) => `${value.toFixed(1)} ${unit}`.padStart(12));
      console.log(
        `  ${work.label.padEnd(18)} ${what.padEnd(7)} ${cells.join(' ')} ${ratio.toFixed(2).padStart(7)}  ${bound ?? ''}${isOver ? '  over' : ''}`,
      );
    };
    row('wall', ({ wallSeconds }) => wallSeconds, 's', work.bounds.wall);
    row('CPU', ({ cpuSeconds }) => cpuSeconds, 's', work.bounds.cpu);
    row('memory', ({ peakBytes }) => peakBytes / 2 ** 20, 'MiB', work.bounds.memory);
    row('stored', ({ addedBytes }) => addedBytes / 2 ** 20, 'MiB', work.bounds.stored, work.run === 'backup');
  }
  return isWithin;
}

const chosen = values.only.split(',');
const unknown = chosen.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0) {
  console.error(`There is no scenario ${unknown.join(', ')}. Choose from: ${Object.keys(SCENARIOS).join(', ')}.`);
  process.exit(2);
}
const version = execFileSync(restic, ['version'], { encoding: 'utf8' }).trim();
console.log(`holdfast repo beside ${version}; seed ${values.seed}, ${values.rounds} rounds, medians`);
for (const name of chosen) {
  const scratch = mkdtempSync(path.join(values.folder, 'holdfast-bench-repo-'));
  try {
    if (!(await runScenario(name, SCENARIOS[name]!, scratch))) process.exitCode = 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
