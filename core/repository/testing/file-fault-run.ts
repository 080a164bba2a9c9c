/**
 * A program for file-faults.test.ts: does one piece of work again and again, each time with another call of the file system
 * failing, looks after each what is left, and says so in one line of JSON a fault. Needs to be started with
 * `--import ../../filesystem/testing/faulty-files.ts`, so that the threads of a backup have the faults as well.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { isHoldfastError } from '../../base/errors.ts';
import { armFiles, disarmFiles, type FilePlan } from '../../filesystem/testing/faulty-files.ts';
import { createFileStore } from '../../storage/file-store.ts';
import type { ReadCreateStore } from '../../storage/port.ts';
import { BlobIndex } from '../blob-index.ts';
import { check } from '../check/check.ts';
import { initRepository, listSnapshots, loadSnapshot, openRepository } from '../repository.ts';
import { restore } from '../restore/restore.ts';
import { describeTree } from './nasty-tree.ts';
import { backUp, changeSource, copyStore, damageOf, PASSWORD, restoreAll, restic, writeSource } from './survival.ts';

export interface FaultReport {
  readonly fault: string;
  readonly struck: number;
  /** The error's code; `raw …` for one that is no HoldfastError; undefined when the work came to its end. */
  readonly error: string | undefined;
  /** What was named as not read, or not restored. */
  readonly named: readonly string[];
  /** What must not be: damage, a snapshot that differs, a file cut short. Empty when all is well. */
  readonly wrong: readonly string[];
}

const [, , scenario = '', scratch = ''] = process.argv;
const source = join(scratch, 'source');
const template = join(scratch, 'template');
let runs = 0;

interface Work {
  /** The ways in which the Nth call fails. */
  plans(nth: number): readonly Fault[];
  prepare(): Promise<Scene>;
}
interface Scene {
  readonly folder: string;
  run(): Promise<readonly string[]>;
  /** Looked at without faults. */
  left(fault: { readonly error: string | undefined; readonly named: readonly string[] }): Promise<string[]>;
  close(): void;
}

type Fault = Pick<FilePlan, 'code' | 'isLasting'>;
function newRepository(): { root: string; store: ReturnType<typeof createFileStore> } {
  const root = join(scratch, `repository-${(runs += 1)}`);
  cpSync(template, root, { recursive: true });
  return { root, store: createFileStore({ root }) };
}

async function backUpOnce(store: ReadCreateStore): Promise<readonly string[]> {
  const repo = await openRepository(store, PASSWORD);
  const { snapshots } = await listSnapshots(repo);
  const parent = snapshots.at(-1);
  const { unread } = await backUp(repo, source, parent === undefined ? {} : { parent });
  return unread.map(({ path }) => path);
}

/** What a backup left: nothing damaged, every snapshot a true one, and the next backup whole. */
async function lookAtBackups(
  store: ReadCreateStore,
  { error, named }: { readonly error: string | undefined; readonly named: readonly string[] },
): Promise<string[]> {
  const wrong = await damageOf(store);
  const trees = [...(await restoreAll(store, source)).values()];
  if (!trees.every((tree) => isSubset(tree, now, named) || isSubset(tree, before, [])))
    wrong.push(`a snapshot holds what the source never held: ${JSON.stringify(trees)}`);
  if (error === undefined && trees.length !== 2) wrong.push(`${trees.length} snapshots after a success`);
  // A backup after the other is the slow part; what it would have to survive is looked at above each time.
  if ((looks += 1) % 5 !== 1) return wrong;
  if ((await backUpOnce(store)).length > 0) wrong.push('the next backup reads less than all');
  const after = [...(await restoreAll(store, source)).values()].at(-1);
  if (JSON.stringify(after) !== JSON.stringify(now)) wrong.push('the next backup holds something else');
  return wrong;
}

let looks = 0;

async function keysOf(store: ReadCreateStore): Promise<string> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.join();
}

/** A source that fails; the repository is in memory. */
const sceneOfSource = async (): Promise<Scene> => {
  const store = await copyStore(createFileStore({ root: template }));
  return {
    folder: source,
    run: async () => await backUpOnce(store),
    left: async (fault) => await lookAtBackups(store, fault),
    close: () => undefined,
  };
};

/** A repository's disk that fails. */
const sceneOfRepository = async (): Promise<Scene> => {
  const { root, store } = newRepository();
  const initial = await keysOf(store);
  return {
    folder: root,
    run: async () => await backUpOnce(store),
    left: async (fault) => {
      // Nothing was added: it is what it was, from which a backup without a fault succeeds.
      if (fault.error !== undefined && (await keysOf(store)) === initial) return [];
      const wrong = await lookAtBackups(store, fault);
      if ((witnessed += 1) % 8 === 1 && !restic(root, 'check', '--read-data').includes('no errors were found'))
        wrong.push('restic finds errors');
      return wrong;
    },
    close: () => rmSync(root, { recursive: true, force: true }),
  };
};
let witnessed = 0;

/** Every line is one of the whole tree; what is missing was named, or lies in a folder that was. Folders that were passed over shift no times. */
function isSubset(tree: readonly string[], whole: readonly string[], named: readonly string[]): boolean {
  const all = new Set(whole.map(withoutLinks));
  if (!tree.every((line) => all.has(withoutLinks(line)))) return false;
  const here = new Set(tree.map(withoutLinks));
  return whole.every((line) => here.has(withoutLinks(line)) || named.some((path) => isAt(line, path)));
}
const withoutLinks = (line: string): string => line.replace(/ same as .*$/, '');
function isAt(line: string, named: string): boolean {
  const place = `${source}${line.split(' ', 1)[0] ?? ''}`;
  return place === named || place.startsWith(`${named}/`);
}

const sceneOfRestore = async (): Promise<Scene> => {
  const targetDir = mkdtempSync(join(scratch, 'target-'));
  const work = async (): Promise<readonly string[]> => {
    const repo = await openRepository(createFileStore({ root: template }), PASSWORD);
    const options = { snapshot: await loadSnapshot(repo, 'latest'), targetDir, overwrite: 'if-different' } as const;
    const { damaged, warnings } = await restore(repo, await BlobIndex.load(repo), options);
    return [...damaged, ...warnings].map(({ path }) => path);
  };
  return {
    folder: targetDir,
    run: work,
    left: async ({ error, named }) => {
      const wrong: string[] = [];
      const contents = new Set(before.map(contentsOf));
      // Folders aside, whatever stands there under its name is whole.
      for (const line of lines(targetDir)) if (!contents.has(contentsOf(line))) wrong.push(`half restored: ${line}`);
      if (error === undefined && named.length === 0 && JSON.stringify(lines(targetDir)) !== JSON.stringify(before))
        wrong.push('a restore that named nothing left something out');
      const missed = await work();
      // Rights that the system refused were named, and a file of the right size and time is not touched again.
      const restored = JSON.stringify(lines(targetDir).map(contentsOf));
      if (missed.length > 0 || restored !== JSON.stringify(before.map(contentsOf)))
        wrong.push(`the next restore is not whole: ${missed.join(', ')} ${differences(lines(targetDir), before)}`);
      return wrong;
    },
    close: () => rmSync(targetDir, { recursive: true, force: true }),
  };
};
function differences(a: readonly string[], b: readonly string[]): string {
  return [...a.filter((line) => !b.includes(line)), '|', ...b.filter((line) => !a.includes(line))].join('; ');
}
const lines = (targetDir: string): string[] => {
  try {
    return describeTree(join(targetDir, source));
  } catch {
    return [];
  }
};
/** Name, type, size and hash: without owner, mode and time, which come last. */
function contentsOf(line: string): string {
  const [name = '', mode = '', , , , ...rest] = line.split(' ');
  return [name, mode.slice(0, -4), ...rest.filter((part) => part !== 'same' && part !== 'as')].join(' ');
}

const sceneOfCheck = async (): Promise<Scene> => ({
  folder: template,
  run: async () => {
    const result = await check(await openRepository(createFileStore({ root: template }), PASSWORD), { readData: true });
    return result.findings.map(({ kind }) => kind);
  },
  // A failing disk is no damage, and no proof that there is none.
  left: async ({ error, named }) => (error === undefined && named.length === 0 ? ['called sound unread'] : []),
  close: () => undefined,
});

const once = (code: FilePlan['code']): Fault => ({ code, isLasting: false });
const forEver = (code: FilePlan['code']): Fault => ({ code, isLasting: true });

/** Each call fails once; by turns it fails from then on as well, and in another way. */
const SCENARIOS: Readonly<Record<string, Work>> = {
  'backup-source': {
    plans: (nth) => [once('EIO'), ...turn(nth, [[forEver('EIO')], [], [once('EACCES')], []])],
    prepare: sceneOfSource,
  },
  'backup-repository': {
    plans: (nth) => [
      once('ENOSPC'),
      ...turn(nth, [[forEver('ENOSPC')], [], [], [forEver('EIO')], [], [], [once('EIO')], [], []]),
    ],
    prepare: sceneOfRepository,
  },
  restore: {
    plans: (nth) => [once('ENOSPC'), ...turn(nth, [[forEver('ENOSPC')], [once('EIO')], [once('EACCES')]])],
    prepare: sceneOfRestore,
  },
  check: { plans: () => [once('EIO'), forEver('EIO')], prepare: sceneOfCheck },
};
function turn(nth: number, ways: readonly (readonly Fault[])[]): readonly Fault[] {
  return ways[nth % ways.length] ?? [];
}

async function tryFault(work: Work, plan: Fault, nth: number): Promise<FaultReport> {
  const scene = await work.prepare();
  let error: string | undefined;
  let named: readonly string[] = [];
  armFiles({ ...plan, nth, folder: scene.folder });
  try {
    named = await scene.run();
  } catch (thrown) {
    error = isHoldfastError(thrown) ? thrown.code : `raw ${String(thrown)}`;
  }
  const { struck } = disarmFiles();
  let wrong: string[];
  try {
    wrong = struck === 0 ? [] : await scene.left({ error, named });
  } catch (thrown) {
    wrong = [thrown instanceof Error ? `${thrown.message} ${thrown.stack}` : String(thrown)];
  }
  scene.close();
  return { fault: `${plan.code} ${nth}${plan.isLasting ? ' from then on' : ''}`, struck, error, named, wrong };
}

mkdirSync(source, { recursive: true });
writeSource(source, 'first');
const owner = { hostname: 'h', username: 'u', clock: systemClock } as const;
await initRepository(createFileStore({ root: template }), { password: PASSWORD, strength: 'machine', ...owner });
await backUpOnce(createFileStore({ root: template }));
const before = describeTree(source);
if (scenario.startsWith('backup')) changeSource(source);
const now = describeTree(source);

const work = SCENARIOS[scenario]!; // the test names one of them
for (let nth = 1, isOver = false; !isOver; nth += 1) {
  for (const plan of work.plans(nth)) {
    const report = await tryFault(work, plan, nth);
    isOver ||= report.struck === 0;
    if (report.struck > 0) console.log(JSON.stringify(report));
  }
}
