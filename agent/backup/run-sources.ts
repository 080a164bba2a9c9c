/** The sources of a policy in a run against the service. */
import { rm } from 'node:fs/promises';
import { HoldfastError } from '../../core/base/errors.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import { DEFAULT_SEARCH_PATH } from '../sources/find-program.ts';
import type { DumpFacts } from '../sources/dump-stream.ts';
import { SourceRun } from '../sources/source-run.ts';
import { stateFiles } from '../state/state-files.ts';
import type { RunBackupOptions } from './run-backup.ts';

export interface SourcesRead {
  /** With what the sources report among the unread. */
  readonly result: BackupResult;
  /** Witnesses of the dumps. */
  readonly dumps: readonly DumpFacts[];
  /** Why the result must not be committed. */
  readonly refusal: HoldfastError | undefined;
}

/**
 * Makes the backup with the sources of the policy around it; hooks after them run whatever happened. `read` gets undefined
 * where the policy has folders alone. @throws what `read` throws; HoldfastError cancelled.
 */
export async function readWithSources(
  options: RunBackupOptions,
  signal: AbortSignal,
  read: (sources: SourceRun | undefined) => Promise<BackupResult>,
): Promise<SourcesRead> {
  const { policy } = options;
  if ((policy.sources ?? []).length === 0) return { result: await read(undefined), dumps: [], refusal: undefined };
  const sources = await begin(options, signal);
  try {
    const result = await read(sources);
    await sources.end();
    const unread = [...sources.failures, ...result.unread];
    return { result: { ...result, unread }, dumps: sources.dumps, refusal: refusalOf(policy, sources, unread) };
  } finally {
    await sources.end();
  }
}

async function begin(
  { policy, statePath, log, searchPath }: RunBackupOptions,
  signal: AbortSignal,
): Promise<SourceRun> {
  const copiesPath = stateFiles.copies(statePath);
  // Copies that a run left behind when it was killed; only one run at a time is under way.
  await rm(copiesPath, { recursive: true, force: true });
  return await SourceRun.begin(policy.sources ?? [], {
    searchPath: searchPath ?? DEFAULT_SEARCH_PATH,
    copiesPath,
    allowedListPath: stateFiles.allowedPrograms(statePath),
    log,
    signal,
  });
}

const REASONS_SHOWN = 3;

/** A backup in which every source failed, and that holds nothing but the canary, must not look like one. */
function refusalOf(
  { paths }: PolicyDocument,
  sources: SourceRun,
  unread: BackupResult['unread'],
): HoldfastError | undefined {
  if (paths.length + sources.paths.length + sources.dumps.length > 0) return undefined;
  const reasons = unread.slice(0, REASONS_SHOWN).map(({ message }) => message);
  const more = unread.length > REASONS_SHOWN ? ` And ${unread.length - REASONS_SHOWN} more.` : '';
  return new HoldfastError(
    'source_unreadable',
    `Not one of the sources could be read, so there is no backup. Earlier backups are untouched. ${reasons.join(' ')}${more}`,
    { detail: { unread: unread.slice(0, 10) } },
  );
}
