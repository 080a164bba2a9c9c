/**
 * The seal: a committed run becomes a restore point once every object that it names was found as announced. Packs lie in the
 * vault already and are compared with the ledger; index and snapshot files wait in staging, are hashed again, and are placed
 * into the vault here, the snapshot last. Everything is checked before anything is placed, and nothing sealed is touched.
 */
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { failSeal, type SealProblem } from '../../server/sealing/fail-seal.ts';
import { type LedgerEntry, loadSeal, type SealWork } from '../../server/sealing/load-seal.ts';
import { recordSeal } from '../../server/sealing/record-seal.ts';
import { stagedKey } from '../../server/storage/object-store.ts';
import { inParallel } from '../in-parallel.ts';
import { type JobContext, type JobHandler, throwIfStopped } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';
import { checkStored, readStaged } from './check-objects.ts';

const CHECKS_AT_ONCE = 8;
/** A run that slept longer than this before its commit relies on nothing that was there when it began. */
const TRUSTED_MS = 12 * 3600_000;
/** Enough to see what is wrong; a store that lost everything needs no list of it. */
const PROBLEMS_MAX = 1000;

export const sealRun: JobHandler<'seal'> = async (context, { runId }) => {
  const { services, claim } = context;
  let work: SealWork | undefined;
  try {
    work = await loadSeal(services, claim.scope, runId);
    if (work === undefined) return;
    const problems = await checkAll(context, work);
    if (problems.length > 0) return await refuse(context, work, problems);
    for (const entry of placedByUs(work)) {
      const problem = await place(context, work, entry);
      if (problem !== undefined) return await refuse(context, work, [problem]);
    }
    await recordSeal(services, claim, work);
  } catch (error) {
    if (!isHoldfastError(error, 'commit_invalid')) throw error;
    await failSeal(services, claim, runId, { code: error.code, message: error.message, problems: [] });
    return;
  }
  await clearStaging(context, work);
};

async function refuse(
  { services, claim }: JobContext,
  work: SealWork,
  problems: readonly SealProblem[],
): Promise<void> {
  const first = problems[0]!;
  const count = problems.length === 1 ? 'One object' : `${problems.length} objects`;
  const isMissing = problems.every(({ problem }) => problem === 'missing');
  await failSeal(services, claim, work.run.id, {
    code: isMissing ? 'object_missing' : 'object_mismatch',
    message: `${count} of this backup ${isMissing ? 'did not arrive' : 'are not what they should be'} (${first.key}: ${first.note}) so it does not count.`,
    problems,
  });
}

/** Every object of the manifest that is not sealed yet, and every older pack that the snapshot stands on. */
async function checkAll(context: JobContext, work: SealWork): Promise<SealProblem[]> {
  const { manifest, ledger, run } = work;
  const problems: SealProblem[] = [];
  const entries: LedgerEntry[] = [];
  const older: LedgerEntry[] = [];
  const brought = new Set<string>();
  const isLongAgo = (run.committedAt ?? run.startedAt).getTime() - run.startedAt.getTime() > TRUSTED_MS;
  for (const { key, kind } of manifest.objects) {
    brought.add(key);
    const entry = ledger.get(key);
    if (entry === undefined) problems.push({ key, problem: 'missing', note: 'The ledger does not know it.' });
    else if (kind === 'key' || kind === 'config')
      problems.push({ key, problem: 'damaged', note: 'A backup must not bring keys or configuration.' });
    else if (entry.state !== 'sealed') entries.push(entry);
  }
  for (const packId of manifest.packIds) {
    const key = `data/${packId.slice(0, 2)}/${packId}`;
    const state = ledger.get(key)?.state;
    if (brought.has(key)) continue;
    if (state === 'sealed') {
      // What lay there when the run began may be gone since (fault F28): it is looked at again.
      if (isLongAgo) older.push(ledger.get(key)!);
      continue;
    }
    const isDamaged = state === 'damaged';
    problems.push({ key, problem: isDamaged ? 'damaged' : 'missing', note: 'The backup builds on it.' });
  }
  await inParallel(older, CHECKS_AT_ONCE, async ({ key, size }) => {
    throwIfStopped(context.signal);
    const found = await context.services.store.sizeOf(`${work.vaultPrefix}/${key}`);
    if (found === undefined)
      problems.push({ key, problem: 'missing', note: 'The backup builds on it, and it is gone.' });
    else if (BigInt(found) !== size)
      problems.push({ key, problem: 'damaged', note: 'The backup builds on it, and its size has changed.' });
  });
  let done = 0;
  const progress = new ProgressWriter(async () => {
    await withScope(context.services, context.claim.scope, async (tx) => {
      await context.claim.guard(tx);
      await tx.backupRun.updateMany({
        where: { tenantId: run.tenantId, id: run.id, state: 'committed' },
        data: { progress: { phase: 'seal', done, total: entries.length } },
      });
    });
  });
  await inParallel(entries, CHECKS_AT_ONCE, async (entry) => {
    throwIfStopped(context.signal);
    const problem = await checkOne(context, work, entry);
    if (problem !== undefined && problems.length < PROBLEMS_MAX) problems.push(problem);
    done++;
    progress.touch();
  });
  await progress.settle();
  return problems;
}

async function checkOne(
  { services }: JobContext,
  work: SealWork,
  entry: LedgerEntry,
): Promise<SealProblem | undefined> {
  const { store } = services;
  if (entry.kind !== 'index' && entry.kind !== 'snapshot')
    return await checkStored(store, `${work.vaultPrefix}/${entry.key}`, entry);
  const found = await readStaged(store, placesOf(work, entry), entry);
  return 'problem' in found ? found : undefined;
}

/** Where an index or snapshot file may lie: staged, or in the vault already when an earlier attempt was interrupted. */
function placesOf({ run, vaultPrefix }: SealWork, { key }: LedgerEntry): string[] {
  return [stagedKey(run.tenantId, run.vaultId, run.id, key), `${vaultPrefix}/${key}`];
}

/** Index files first, the snapshot last: a reader that sees it finds all that it needs. */
function placedByUs({ manifest, ledger }: SealWork): LedgerEntry[] {
  const unsealed = manifest.objects.flatMap(({ key }) => {
    const entry = ledger.get(key);
    return entry === undefined || entry.state === 'sealed' ? [] : [entry];
  });
  return [...unsealed.filter(({ kind }) => kind === 'index'), ...unsealed.filter(({ kind }) => kind === 'snapshot')];
}

async function place(
  { services, signal }: JobContext,
  work: SealWork,
  entry: LedgerEntry,
): Promise<SealProblem | undefined> {
  throwIfStopped(signal);
  const bytes = await readStaged(services.store, placesOf(work, entry), entry);
  if ('problem' in bytes) return bytes;
  const target = `${work.vaultPrefix}/${entry.key}`;
  const answer = await services.store.create(target, bytes, { crc32c: entry.crc32c });
  // Taken: by an earlier attempt of ours with these bytes, or by something that must not be believed.
  return answer === 'exists' ? await checkStored(services.store, target, entry) : undefined;
}

/** What is left behind here is dropped by housekeeping; the seal stands. */
async function clearStaging({ services, log }: JobContext, work: SealWork): Promise<void> {
  try {
    for (const { key, kind } of work.manifest.objects)
      if (kind === 'index' || kind === 'snapshot')
        await services.store.remove(stagedKey(work.run.tenantId, work.run.vaultId, work.run.id, key));
  } catch (error) {
    log.warn(
      { err: error instanceof HoldfastError ? error.code : error },
      'staged files of a sealed run were not removed',
    );
  }
}
