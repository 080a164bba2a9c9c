/**
 * Level 3: files of a restore point are restored into an empty folder by a confined child, and compared with the hashes that
 * the machine took when it read the originals. The child restores; whether it restored the truth is seen by the parent.
 */
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { compareRestored, DRILL_LIMITS } from '../../core/domain/drills.ts';
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { beginDrill, type DrillWork } from '../../server/drills/begin-drill.ts';
import { DrillSteps } from '../../server/drills/drill-steps.ts';
import { type DrillMismatch, type DrillVerdict, finishDrill } from '../../server/drills/finish-drill.ts';
import { recordDrillProgress } from '../../server/drills/record-progress.ts';
import { voidDrill } from '../../server/drills/void-drill.ts';
import { type JobContext, type JobHandler, throwIfStopped } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';
import { drillResult, type DrillResult } from '../sandbox/messages.ts';
import { runInSandbox, type SandboxEnd } from '../sandbox/run-in-sandbox.ts';
import { hashRestored } from './hash-restored.ts';
import { makeScratchFolder } from './scratch-folder.ts';

/** Beside the planned bytes: folders, and files that are larger than their witness says. */
const SCRATCH_SPARE_BYTES = 64 * 1024 * 1024;
/** What a child may report that speaks against the data; all else speaks against the service. */
const DATA_CODES = new Set([
  'repository_damaged',
  'repository_missing',
  'wrong_password',
  'object_missing',
  'object_mismatch',
  'unsafe_restore',
  'not_found',
]);

export const drillPoint: JobHandler<'drill'> = async (context, { drillId }) => {
  const { services, claim } = context;
  let work: DrillWork | undefined;
  try {
    work = await beginDrill(services, claim, drillId);
  } catch (error) {
    // The point can no longer be tested: that is no verdict about it.
    if (!isHoldfastError(error, 'vault_quarantined') && !isHoldfastError(error, 'bad_request')) throw error;
    return await voidDrill(services, claim.scope, drillId, error.message);
  }
  if (work === undefined) return;
  const scratch = await makeScratchFolder(services.env.HOLDFAST_SCRATCH_PATH, `drill-${drillId}`);
  try {
    const drill = new RunningDrill(context, work);
    await finishDrill(services, claim, work, await drill.run(scratch));
  } finally {
    await scratch.remove();
  }
};

class RunningDrill {
  readonly #context: JobContext;
  readonly #work: DrillWork;
  readonly #steps = new DrillSteps();
  readonly #progress: ProgressWriter;
  #filesDone = 0;
  #bytesDone = 0;

  constructor(context: JobContext, work: DrillWork) {
    this.#context = context;
    this.#work = work;
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

  async run(scratch: { readonly path: string; bytes(): Promise<number> }): Promise<DrillVerdict> {
    const { plan } = this.#work;
    if (plan.files.length === 0)
      return this.#verdict('void', 'The machine sent nothing to compare with, so this restore point cannot be tested.');
    this.#steps.begin('open', this.#nowMs);
    await this.#record();
    const end = await this.#restore(scratch);
    await this.#progress.settle();
    throwIfStopped(this.#context.signal);
    if (end.kind !== 'result') return this.#withoutResult(end);
    const parsed = drillResult.safeParse(end.value);
    if (!parsed.success)
      return this.#verdict('void', 'The sandbox answered with something that is no answer.', { layers: end.layers });
    return await this.#compare(scratch.path, parsed.data, end.layers);
  }

  async #restore(scratch: { readonly path: string; bytes(): Promise<number> }): Promise<SandboxEnd> {
    const { services, signal, log, sandboxChild } = this.#context;
    const { plan, password, snapshotId, treeId, vaultPrefix } = this.#work;
    const bytesMax = plan.bytes * 2 + SCRATCH_SPARE_BYTES;
    return await runInSandbox({
      task: {
        kind: 'drill',
        password,
        snapshotId,
        treeId,
        paths: plan.files.map(({ path }) => path),
        targetDir: scratch.path,
      },
      store: prefixReadStore(services.store, vaultPrefix),
      scratchPath: scratch.path,
      wallClockMs: DRILL_LIMITS.wallClockMs,
      outputBytesMax: bytesMax,
      isScratchOver: async () => (await scratch.bytes()) > bytesMax,
      onProgress: ({ step, filesDone, bytesDone }) => {
        this.#steps.begin(step, this.#nowMs);
        this.#filesDone = Math.min(filesDone, plan.files.length);
        this.#bytesDone = bytesDone;
        this.#progress.touch();
      },
      signal,
      log,
      ...(sandboxChild === undefined ? {} : { childFile: sandboxChild }),
    });
  }

  #withoutResult(end: Exclude<SandboxEnd, { kind: 'result' }>): DrillVerdict {
    if (end.kind === 'broken' && end.reason === 'cancelled')
      throw new HoldfastError('cancelled', 'The drill was stopped before its end; it is made again.');
    const { layers, message } = end;
    if (end.kind === 'refused' && DATA_CODES.has(end.code)) return this.#verdict('failed', message, { layers });
    return this.#verdict('void', `The restore test could not be carried out: ${message}`, { layers });
  }

  async #compare(folder: string, result: DrillResult, layers: readonly string[]): Promise<DrillVerdict> {
    const { plan } = this.#work;
    this.#steps.begin('compare', this.#nowMs);
    const startedMs = performance.now();
    let bytes = 0;
    const restored = await hashRestored(folder, plan.files, (size) => {
      bytes += size;
    });
    const damagedPaths = new Set(result.damaged.map(({ path }) => path));
    const { matched, mismatches } = compareRestored(plan.files, restored);
    const all: DrillMismatch[] = mismatches.map((one) =>
      one.problem === 'missing' && damagedPaths.has(one.path) ? { ...one, problem: 'damaged' } : one,
    );
    const timings = {
      locate: result.timings.openMs + result.timings.locateMs,
      transfer: result.timings.transferMs,
      checks: Math.round(performance.now() - startedMs),
    };
    this.#filesDone = restored.length;
    this.#bytesDone = bytes;
    const found = { layers, matched, mismatches: all, timings };
    if (all.length === 0) return this.#verdict('passed', null, found);
    const count = all.length === 1 ? 'One file' : `${all.length} files`;
    return this.#verdict(
      'failed',
      `${count} of ${plan.files.length} did not come back as the machine saw them (the first: ${all[0]!.path}).`,
      found,
    );
  }

  #verdict(
    state: DrillVerdict['state'],
    message: string | null,
    found: {
      readonly layers?: readonly string[];
      readonly matched?: number;
      readonly mismatches?: readonly DrillMismatch[];
      readonly timings?: Readonly<Record<string, number>>;
    } = {},
  ): DrillVerdict {
    const nowMs = this.#nowMs;
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
        ...found.timings,
        total: Math.max(0, nowMs - this.#work.startedMs),
      },
      confinement: found.layers ?? [],
    };
  }
}
