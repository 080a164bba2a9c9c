/**
 * A restore test. Level 3: files of a restore point are restored into an empty folder by a confined child, and compared with
 * the hashes that the machine took when it read the originals. The child restores; whether it restored the truth is seen by
 * the parent. Level 4: the application opens what was compared (open-restored.ts). Level 5: the system starts from it, or a script
 * of its owner's says that it works (test-system.ts).
 */
import { statfs } from 'node:fs/promises';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { confinementWarnings } from '../../core/domain/confinement.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import { compareRestored, DRILL_LIMITS } from '../../core/domain/drills.ts';
import { neededPaths } from '../../core/domain/system-test-words.ts';
import { estimateFullRtoMs, type RtoTimings } from '../../core/domain/rto-parts.ts';
import { hashRestored } from '../../core/filesystem/hash-restored.ts';
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { beginDrill, type DrillWork } from '../../server/drills/begin-drill.ts';
import { DATA_CODES } from '../../server/drills/data-codes.ts';
import { DrillSteps } from '../../server/drills/drill-steps.ts';
import { type DrillMismatch, type DrillVerdict, finishDrill } from '../../server/drills/finish-drill.ts';
import { mustGiveWay, postponeDrill } from '../../server/drills/postpone-drill.ts';
import { recordDrillProgress } from '../../server/drills/record-progress.ts';
import { voidDrill } from '../../server/drills/void-drill.ts';
import { witnessCheck } from '../../server/drills/witness-check.ts';
import { type JobContext, type JobHandler, throwIfStopped } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';
import { drillResult, type DrillResult } from '../sandbox/messages.ts';
import { type BrokenReason, runInSandbox, type SandboxEnd } from '../sandbox/run-in-sandbox.ts';
import { type Opened, openRestored } from './open-restored.ts';
import { makeScratchFolder } from './scratch-folder.ts';
import { type SystemTested, testSystem } from './test-system.ts';

/** Beside the planned bytes: folders, and files that are larger than their witness says. */
const SCRATCH_SPARE_BYTES = 64 * 1024 * 1024;
/** How often a drill that restores looks whether its device backs up. */
const GIVE_WAY_EVERY_MS = 5000;
const MESSAGE_CHARS = 1500;
export const drillPoint: JobHandler<'drill'> = async (context, { drillId }) => {
  const { services, claim } = context;
  // Backups go first: a drill reads the same storage, and can wait.
  if (await mustGiveWay(services, claim, drillId)) return await postponeDrill(services, claim, drillId);
  let work: DrillWork | undefined;
  try {
    work = await beginDrill(services, claim, drillId);
  } catch (error) {
    // The point can no longer be tested: that is no verdict about it.
    if (!isHoldfastError(error, 'vault_quarantined') && !isHoldfastError(error, 'bad_request')) throw error;
    return await voidDrill(services, claim.scope, drillId, error.message);
  }
  if (work === undefined) return;
  const startedMs = performance.now();
  const scratch = await makeScratchFolder(services.env.HOLDFAST_SCRATCH_PATH, `drill-${drillId}`);
  const gaveWay = new AbortController();
  const watch = setInterval(() => {
    // Where that cannot be asked, the drill goes on.
    void mustGiveWay(services, claim, drillId).then(
      (must) => must && gaveWay.abort(),
      () => undefined,
    );
  }, GIVE_WAY_EVERY_MS);
  try {
    const provisionMs = performance.now() - startedMs;
    const drill = new RunningDrill(context, work, gaveWay.signal, () => clearInterval(watch), provisionMs);
    const verdict = await drill.run(scratch);
    await (verdict === 'gave-way'
      ? postponeDrill(services, claim, drillId)
      : finishDrill(services, claim, work, verdict));
  } finally {
    clearInterval(watch);
    await scratch.remove();
  }
};

interface Scratch {
  readonly path: string;
  bytes(): Promise<number>;
}

class RunningDrill {
  readonly #context: JobContext;
  readonly #work: DrillWork;
  readonly #gaveWay: AbortSignal;
  readonly #onTransferred: () => void;
  readonly #provisionMs: number;
  readonly #steps: DrillSteps;
  readonly #progress: ProgressWriter;
  #filesDone = 0;
  #bytesDone = 0;

  constructor(
    context: JobContext,
    work: DrillWork,
    gaveWay: AbortSignal,
    onTransferred: () => void,
    provisionMs: number,
  ) {
    this.#context = context;
    this.#work = work;
    this.#gaveWay = gaveWay;
    this.#onTransferred = onTransferred;
    this.#provisionMs = provisionMs;
    const hasServers = work.dumps.some(({ dump }) => dump?.kind !== 'sqlite');
    const opening = hasServers ? (['provision', 'start', 'rebuild', 'checks'] as const) : (['checks'] as const);
    const { boot, script } = work.system.tests;
    this.#steps = new DrillSteps([
      ...(boot === undefined ? [] : (['system'] as const)),
      ...(script === undefined ? [] : (['script'] as const)),
      ...(work.level >= 4 ? opening : []),
    ]);
    this.#progress = new ProgressWriter(async () => await this.#record());
  }

  async #record(): Promise<void> {
    const { services, claim } = this.#context;
    await recordDrillProgress(services, claim, this.#work.id, {
      steps: this.#steps.list(),
      filesDone: this.#filesDone,
      bytesDone: this.#bytesDone,
    });
  }

  get #nowMs(): number {
    return this.#context.services.clock.nowMs();
  }

  /** 'gave-way': the device began a backup while files were read from the storage; nothing was found out. */
  async run(scratch: Scratch): Promise<DrillVerdict | 'gave-way'> {
    const { plan } = this.#work;
    if (plan.files.length === 0)
      return this.#verdict('void', 'The machine sent nothing to compare with, so this restore point cannot be tested.');
    const plannedBytes = this.#bytesMax;
    const { bavail, bsize } = await statfs(scratch.path);
    const freeBytes = bavail * bsize;
    if (freeBytes < plannedBytes / 2)
      return this.#verdict('void', 'There is too little free space where drills run to restore what was planned.');
    this.#steps.begin('open', this.#nowMs);
    await this.#record();
    // What deeper looks need is not counted before it is found: it gets half of the room that is left.
    const extraBytes = this.#needsExtras ? Math.max(0, Math.floor((freeBytes - plannedBytes) / 2)) : 0;
    const end = await this.#restore(scratch, plannedBytes + extraBytes, extraBytes);
    this.#onTransferred();
    await this.#progress.settle();
    throwIfStopped(this.#context.signal);
    if (this.#gaveWay.aborted && end.kind === 'broken') return 'gave-way';
    if (end.kind !== 'result') return this.#withoutResult(end);
    const parsed = drillResult.safeParse(end.value);
    if (!parsed.success)
      return this.#verdict('void', 'The sandbox answered with something that is no answer.', { layers: end.layers });
    return await this.#compare(scratch.path, parsed.data, end.layers);
  }

  get #bytesMax(): number {
    const { plan, scope, pointBytes } = this.#work;
    return (scope === 'full' ? Math.max(plan.bytes, pointBytes) : plan.bytes) * 2 + SCRATCH_SPARE_BYTES;
  }

  get #needsExtras(): boolean {
    const { boot, script } = this.#work.system.tests;
    return boot !== undefined || script !== undefined;
  }

  async #restore(scratch: Scratch, bytesMax: number, extraBytes: number): Promise<SandboxEnd> {
    const { services, signal, log, sandbox } = this.#context;
    const { plan, password, snapshotId, treeId, vaultPrefix, scope, system } = this.#work;
    const { wallClockMs, wallClockMsPerMiB, wallClockMsMax } = DRILL_LIMITS;
    return await runInSandbox({
      task: {
        ...{ kind: 'drill', password, snapshotId, treeId, targetDir: scratch.path },
        ...(scope === 'full' ? { isWhole: true } : {}),
        ...(this.#needsExtras
          ? {
              also: {
                paths: neededPaths(system.tests),
                onlyImage: system.tests.boot?.image === 'only',
                bytesMax: scope === 'full' ? Number.MAX_SAFE_INTEGER : extraBytes,
              },
            }
          : {}),
        paths: plan.files.map(({ path }) => path),
      },
      store: prefixReadStore(services.store, vaultPrefix),
      scratchPath: scratch.path,
      wallClockMs: Math.min(wallClockMsMax, wallClockMs + (bytesMax / 2 ** 20) * wallClockMsPerMiB),
      outputBytesMax: bytesMax,
      isScratchOver: async () => (await scratch.bytes()) > bytesMax,
      onProgress: ({ step, filesDone, bytesDone }) => {
        this.#steps.begin(step, this.#nowMs);
        this.#filesDone = scope === 'full' ? filesDone : Math.min(filesDone, plan.files.length);
        this.#bytesDone = bytesDone;
        this.#progress.touch();
      },
      signal: AbortSignal.any([signal, this.#gaveWay]),
      log,
      ...sandbox,
    });
  }

  #withoutResult(end: Exclude<SandboxEnd, { kind: 'result' }>): DrillVerdict {
    if (end.kind === 'broken' && end.reason === 'cancelled')
      throw new HoldfastError('cancelled', 'The drill was stopped before its end; it is made again.');
    const { layers, message } = end;
    if (end.kind === 'refused' && DATA_CODES.has(end.code))
      return this.#verdict('failed', message, { layers, isPointDamaged: true });
    if (end.kind !== 'broken' || end.reason === 'cancelled' || end.reason === 'forbidden' || !end.isOwnDoing)
      return this.#verdict('void', `The restore test could not be carried out: ${message}`, { layers });
    // Once may be the machine that runs drills; again and again is what a repository does that ends whoever restores it.
    const times = this.#work.earlier.breakdowns + 1;
    const found = { layers, brokenBy: end.reason };
    if (times < DRILL_LIMITS.breakdownsMax)
      return this.#verdict('void', `The restore test could not be carried out: ${message}`, found);
    const words = `The restore was tried ${times} times in a row and never came to its end; the last time ${BREAKDOWNS[end.reason]}.`;
    return this.#verdict('failed', words, found);
  }

  async #compare(folder: string, result: DrillResult, layers: readonly string[]): Promise<DrillVerdict> {
    const { plan, level, scope } = this.#work;
    this.#steps.begin('compare', this.#nowMs);
    const startedMs = performance.now();
    let bytes = 0;
    const restored = await hashRestored(folder, plan.files, (size) => {
      bytes += size;
    });
    const damaged = new Set(result.damaged.map(({ path }) => path));
    const { matched, mismatches } = compareRestored(plan.files, restored);
    const all: DrillMismatch[] = mismatches.map((one) =>
      one.problem === 'missing' && damaged.has(one.path) ? { ...one, problem: 'damaged' } : one,
    );
    if (scope === 'full' || this.#needsExtras) {
      // Files without a witness, too: their blobs did not open, or did not have the hashes that they are named by.
      const named = new Set(all.map(({ path }) => path));
      for (const path of damaged)
        if (!named.has(path)) all.push({ path, expected: '', actual: null, problem: 'damaged' });
      bytes = result.bytesRestored;
    }
    const comparedMs = Math.round(performance.now() - startedMs);
    const { openMs, locateMs, firstByteMs, transferMs } = result.timings;
    const timings: RtoTimings = {
      locate: openMs + locateMs,
      provision: Math.round(this.#provisionMs),
      firstByte: firstByteMs,
      transfer: transferMs,
      checks: comparedMs,
    };
    this.#filesDone = scope === 'full' ? result.filesRestored : restored.length;
    this.#bytesDone = bytes;
    const checks = [witnessCheck(plan.files.length, matched, all, comparedMs)];
    const found = { layers, matched, mismatches: all, timings, checks, isPointDamaged: all.length > 0 };
    if (all.length > 0) return this.#verdict('failed', checks[0]!.output, found);
    if (level < 4) return this.#verdict('passed', null, found);
    const tested = level < 5 ? undefined : await this.#testSystem(folder, result);
    const opened = await openRestored({
      log: this.#context.log,
      work: this.#work,
      folder,
      signal: this.#context.signal,
      onStep: (step) => {
        this.#steps.begin(step, this.#nowMs);
        this.#progress.touch();
      },
      ...(tested?.checks.some(({ state }) => state === 'passed') === true ? { isOpened: true } : {}),
    });
    await this.#progress.settle();
    throwIfStopped(this.#context.signal);
    const deeper = { ...found, timings: addTimings(timings, opened.timings) };
    if (tested === undefined) return this.#judge(opened, deeper);
    return this.#judge(opened, {
      ...deeper,
      checks: [...checks, ...tested.checks],
      layers: [...layers, ...tested.layers],
      warnings: tested.warnings,
      pictures: tested.pictures,
      software: tested.software,
      timings: addTimings(deeper.timings, { ...tested.timings, rebuild: 0 }),
    });
  }

  async #testSystem(folder: string, restored: DrillResult): Promise<SystemTested> {
    const { services, log, signal } = this.#context;
    const scratch = await makeScratchFolder(services.env.HOLDFAST_SCRATCH_PATH, `system-${this.#work.id}`);
    try {
      return await testSystem({
        ...{ log, signal, folder, restored, work: this.#work, scratch: scratch.path },
        onStep: (step) => {
          this.#steps.begin(step, this.#nowMs);
          this.#progress.touch();
        },
      });
    } finally {
      await scratch.remove();
    }
  }

  #judge(opened: Opened, found: Found & { readonly checks: readonly DrillCheck[] }): DrillVerdict {
    const checks = [...found.checks, ...opened.checks];
    const failed = checks.filter(({ state }) => state === 'failed');
    const all = {
      ...found,
      ...opened,
      checks,
      timings: found.timings ?? {},
      layers: [...(found.layers ?? []), ...opened.layers],
      warnings: [...(found.warnings ?? []), ...opened.warnings],
    };
    if (failed.length === 0) return this.#verdict('passed', null, all);
    const more = failed.length === 1 ? '' : ` (${failed.length - 1} more did not pass, too.)`;
    return this.#verdict('failed', `${failed[0]!.output.slice(0, MESSAGE_CHARS)}${more}`, all);
  }

  #verdict(state: DrillVerdict['state'], message: string | null, found: Found = {}): DrillVerdict {
    const nowMs = this.#nowMs;
    const { layers = [], timings = {} } = found;
    this.#steps.end(state === 'passed' ? 'done' : 'failed', nowMs, message);
    return {
      state,
      message,
      steps: this.#steps.list(),
      filesDone: this.#filesDone,
      filesMatched: found.matched ?? 0,
      bytesDone: this.#bytesDone,
      mismatches: found.mismatches ?? [],
      timings: {
        queue: Math.max(0, this.#work.startedMs - this.#work.createdMs),
        ...timings,
        total: Math.max(0, nowMs - this.#work.startedMs),
      },
      rtoEstimatedMs: this.#estimate(timings),
      checks: found.checks ?? [],
      warnings: [...(layers.length === 0 ? [] : confinementWarnings(layers)), ...(found.warnings ?? [])],
      rows: found.rows ?? {},
      newestBusinessMs: found.newestBusinessMs ?? null,
      isPointDamaged: found.isPointDamaged ?? false,
      ...(found.brokenBy === undefined ? {} : { brokenBy: found.brokenBy }),
      confinement: [...new Set(layers)],
      pictures: found.pictures ?? [],
      software: found.software ?? {},
    };
  }

  /** Of a full restore; null where this was one, and it was measured. */
  #estimate(timings: RtoTimings): number | null {
    const { scope, pointBytes, earlier } = this.#work;
    if (scope === 'full' || timings.transfer === undefined) return null;
    const transferMs = timings.transfer + (timings.firstByte ?? 0);
    const pace = transferMs === 0 ? 0 : (this.#bytesDone * 1000) / transferMs;
    return estimateFullRtoMs(timings, pointBytes, [pace, ...earlier.paces]) ?? null;
  }
}

/** For people, behind "the last time". */
const BREAKDOWNS: Readonly<Record<Exclude<BrokenReason, 'cancelled' | 'forbidden'>, string>> = {
  timeout: 'it took longer than a restore of this size may',
  memory: 'it wanted more memory than a restore may have',
  scratch: 'it filled more of the disk than what it restores can take',
  output: 'it filled more of the disk than what it restores can take',
  exit: 'the restoring program broke down',
  protocol: 'the restoring program answered with something that is no answer',
};

interface Found extends Partial<Omit<Opened, 'timings'>>, Partial<Pick<SystemTested, 'pictures' | 'software'>> {
  readonly matched?: number;
  readonly mismatches?: readonly DrillMismatch[];
  readonly timings?: RtoTimings;
  readonly isPointDamaged?: boolean;
  readonly brokenBy?: string;
}

function addTimings(restore: RtoTimings, opened: Opened['timings']): RtoTimings {
  return {
    ...restore,
    provision: (restore.provision ?? 0) + opened.provision,
    start: (restore.start ?? 0) + opened.start,
    rebuild: (restore.rebuild ?? 0) + opened.rebuild,
    checks: (restore.checks ?? 0) + opened.checks,
  };
}
