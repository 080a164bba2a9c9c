/**
 * Level 4: the application opens what was restored. Each dump in a child of its own with a server of its own, so that a
 * hostile one harms nobody else's; files by their format in one more. The answers are judged here.
 */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { judgeNewest, judgeRowCounts, type RowCounts } from '../../core/domain/database-checks.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import type { DrillWork } from '../../server/drills/begin-drill.ts';
import type { DrillStepName } from '../../server/drills/drill-steps.ts';
import { openResult, type OpenResult, type OpenTask } from '../sandbox/messages.ts';
import { runInSandbox, type SandboxEnd } from '../sandbox/run-in-sandbox.ts';
import { type DatabaseLook, installedPrograms, type LookPlan, planLooks } from './plan-looks.ts';
import { headOf, moveInto, type OpenedFile } from './restored-places.ts';
import { bytesIn } from './scratch-folder.ts';

const GIB = 2 ** 30;
const MINUTE_MS = 60_000;

/** What opening a dump may take: far more than one of its size needs, so that who needs more is no ordinary dump. */
export const OPEN_LIMITS = {
  wallClockMs: 10 * MINUTE_MS,
  residentBytesMax: 2 * GIB,
  /** A loaded database with its indexes, by the bytes of its dump. */
  roomByDump: 6,
  roomBytes: 2 * GIB,
  wallClockMsPerMiB: 1000,
  wallClockMsMax: 80 * MINUTE_MS,
  /** Free on the disk of the scratch folder before a dump is opened there. */
  freeByDump: 3,
  freeBytes: GIB,
} as const;

export interface Opened {
  readonly checks: readonly DrillCheck[];
  readonly warnings: readonly string[];
  readonly rows: Readonly<Record<string, RowCounts>>;
  readonly newestBusinessMs: number | null;
  readonly timings: {
    readonly provision: number;
    readonly start: number;
    readonly rebuild: number;
    readonly checks: number;
  };
  readonly layers: readonly string[];
}

export interface OpenTerms {
  readonly log: Log;
  readonly work: Pick<DrillWork, 'plan' | 'dumps' | 'sources' | 'captureMs' | 'earlier'>;
  /** Holds what was restored and compared. What is opened is taken out of it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: DrillStepName) => void;
  /** Something else was opened already: then nobody misses a dump. */
  readonly isOpened?: boolean;
  /** Tests: tighter. */
  readonly limits?: { readonly wallClockMs: number; readonly roomBytes: number };
}

/** @throws HoldfastError cancelled. */
export async function openRestored(terms: OpenTerms): Promise<Opened> {
  const { work, folder } = terms;
  const looks = await planLooks(work, installedPrograms(), async (place) => await headOf(folder, place));
  return await new Opening(terms, looks).run();
}

class Opening {
  readonly #terms: OpenTerms;
  readonly #looks: LookPlan;
  readonly #checks: DrillCheck[] = [];
  readonly #warnings = new Set<string>();
  readonly #rows: Record<string, RowCounts> = {};
  readonly #layers = new Set<string>();
  readonly #timings = { provision: 0, start: 0, rebuild: 0, checks: 0 };
  #newestMs: number | null = null;

  constructor(terms: OpenTerms, looks: LookPlan) {
    this.#terms = terms;
    this.#looks = looks;
  }

  async run(): Promise<Opened> {
    const { databases, files, leftOut } = this.#looks;
    for (const { path: place, title, reason, hint } of leftOut) {
      this.#skip(place, title, reason);
      if (hint !== null) this.#warnings.add(hint);
    }
    const dumps = databases.length + leftOut.length + files.filter(({ isDump }) => isDump).length;
    if (dumps === 0 && this.#terms.isOpened !== true)
      this.#skip(
        '',
        'the restore point',
        'It holds no dump of a database, so there is nothing that an application could open.',
      );
    for (const [at, look] of databases.entries()) await this.#openDatabase(look, at);
    if (files.length > 0) await this.#openFiles();
    return {
      checks: this.#checks,
      warnings: [...this.#warnings],
      rows: this.#rows,
      newestBusinessMs: this.#newestMs,
      timings: this.#timings,
      layers: [...this.#layers],
    };
  }

  #skip(subject: string, title: string, reason: string): void {
    const name = `An application opens ${title}`.slice(0, 200);
    const check = { kind: 'restore', name, subject, state: 'skipped', expected: null, actual: null } as const;
    this.#checks.push({ ...check, output: `It was not opened. ${reason}`, ms: 0 });
  }

  async #openDatabase(look: DatabaseLook, at: number): Promise<void> {
    const { work, folder } = this.#terms;
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < look.bytes * OPEN_LIMITS.freeByDump + OPEN_LIMITS.freeBytes) {
      this.#warnings.add('The disk on which drills run has too little free space to open every dump.');
      return this.#skip(look.path, look.title, 'There is too little free space where drills run.');
    }
    const globals = look.what === 'postgres' ? look.globals : null;
    const target = path.join(folder, `open-${at}`);
    const files: OpenedFile[] = [{ path: look.path, name: 'dump' }];
    if (globals !== null) files.push({ path: globals, name: 'globals', isShared: true });
    const moved = await moveInto(target, folder, files);
    const end = await this.#run(
      taskOf(look, globals !== null && moved.has(globals)),
      target,
      look.bytes,
      look.what === 'sqlite',
    );
    const result = this.#resultOf(end, look);
    if (result === undefined) return;
    this.#checks.push(...result.checks);
    if (result.rows === null) return;
    this.#rows[look.path] = result.rows;
    this.#checks.push(judgeRowCounts(look.title, look.path, result.rows, work.earlier.rows[look.path], look.checks));
    for (const wish of look.checks.newest ?? []) {
      const answer = result.newest.find(({ table, column }) => table === wish.table && column === wish.column);
      this.#checks.push(judgeNewest(look.title, look.path, wish, answer, work.captureMs));
      if (answer?.newestMs != null) this.#newestMs = Math.max(this.#newestMs ?? answer.newestMs, answer.newestMs);
    }
  }

  async #openFiles(): Promise<void> {
    const { folder } = this.#terms;
    const { files } = this.#looks;
    const target = path.join(folder, 'open-files');
    const named = files.map((file, at) => ({ ...file, name: String(at) }));
    const moved = await moveInto(target, folder, named);
    const task: OpenTask = { kind: 'open', what: 'files', files: named.filter((file) => moved.has(file.path)) };
    const end = await this.#run(task, target, 0, true);
    const result = this.#resultOf(end, { title: 'the archives and documents', path: '' });
    if (result !== undefined) this.#checks.push(...result.checks);
  }

  /** `isPlain`: it starts no program. */
  async #run(task: OpenTask, target: string, dumpBytes: number, isPlain: boolean): Promise<SandboxEnd> {
    const { log, signal, onStep, limits } = this.#terms;
    const roomBytes = limits?.roomBytes ?? dumpBytes * OPEN_LIMITS.roomByDump + OPEN_LIMITS.roomBytes;
    const options = {
      task,
      scratchPath: target,
      wallClockMs: limits?.wallClockMs ?? wallClockFor(dumpBytes),
      outputBytesMax: roomBytes,
      isScratchOver: async () => (await bytesIn(target)) > roomBytes,
      onProgress: ({ step }: { readonly step: DrillStepName }) => onStep(step),
      signal,
      log,
    };
    if (isPlain) return await runInSandbox(options);
    // A server runs what is in a dump as its superuser: not without a file system that holds nothing else, and a network neither.
    return await runInSandbox({
      ...options,
      confinement: { withPrograms: true, cpuSeconds: Math.ceil(OPEN_LIMITS.wallClockMsMax / 1000) },
      needs: ['own-files', 'no-network'],
      residentBytesMax: OPEN_LIMITS.residentBytesMax,
    });
  }

  /** Undefined where there is no answer: what that means is said by a check of its own. */
  #resultOf(end: SandboxEnd, look: Pick<DatabaseLook, 'title' | 'path'>): OpenResult | undefined {
    for (const layer of end.layers) this.#layers.add(layer);
    const parsed = end.kind === 'result' ? openResult.safeParse(end.value) : undefined;
    if (parsed?.success === true) {
      const { provisionMs, startMs, rebuildMs, checksMs } = parsed.data.timings;
      this.#timings.provision += provisionMs;
      this.#timings.start += startMs;
      this.#timings.rebuild += rebuildMs;
      this.#timings.checks += checksMs;
      return parsed.data;
    }
    if (end.kind === 'broken' && end.reason === 'cancelled')
      throw new HoldfastError('cancelled', 'The drill was stopped before its end; it is made again.');
    const excess = end.kind === 'broken' ? EXCESSES[end.reason] : undefined;
    if (excess !== undefined) {
      const name = `An application opens ${look.title}`.slice(0, 200);
      const check = {
        kind: 'restore',
        name,
        subject: look.path,
        state: 'failed',
        expected: null,
        actual: null,
      } as const;
      this.#checks.push({
        ...check,
        output: `Opening ${look.title} ${excess} than a dump of its size may, and was stopped.`,
        ms: 0,
      });
      return undefined;
    }
    const message = end.kind === 'result' ? 'The sandbox answered with something that is no answer.' : end.message;
    this.#warnings.add(`Not everything could be opened: ${message}`);
    this.#skip(look.path, look.title, message);
    return undefined;
  }
}

const EXCESSES: Readonly<Record<string, string>> = {
  timeout: 'took longer',
  memory: 'took more memory',
  scratch: 'took more room on the disk',
};

function wallClockFor(bytes: number): number {
  const { wallClockMs, wallClockMsPerMiB, wallClockMsMax } = OPEN_LIMITS;
  return Math.min(wallClockMsMax, wallClockMs + (bytes / 2 ** 20) * wallClockMsPerMiB);
}

function taskOf(look: DatabaseLook, hasGlobals: boolean): OpenTask {
  const common = { kind: 'open', subject: look.path, title: look.title, checks: look.checks, dump: 'dump' } as const;
  switch (look.what) {
    case 'postgres': {
      const { format, programs } = look;
      return { ...common, what: 'postgres', format, programs: programs.folder, globals: hasGlobals ? 'globals' : null };
    }
    case 'mariadb':
      return { ...common, what: 'mariadb', programs: look.programs };
    case 'sqlite':
      return { ...common, what: 'sqlite' };
  }
}
