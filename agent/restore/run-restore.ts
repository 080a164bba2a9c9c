/** Restores from the vault through the service: with a grant of the portal, or one that the policy lets the machine ask for. */
import { isAbsolute } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import type { OverwriteRule } from '../../core/filesystem/overwrite-rule.ts';
import type { RestoreEndRequest, SnapshotsResponse } from '../../core/protocol/messages.ts';
import { previewRestore, type RestorePreview } from '../../core/repository/restore/preview-restore.ts';
import {
  type RestoreOptions,
  type RestoreProgress,
  type RestoreResult,
  restore,
} from '../../core/repository/restore/restore.ts';
import { openPoint, type OpenPointOptions } from './open-point.ts';

export type RestorePoint = SnapshotsResponse['snapshots'][number];

export interface RunRestoreOptions extends OpenPointOptions {
  /** Absolute. What is there is kept, unless `overwrite` says otherwise. */
  readonly targetPath: string;
  readonly exclude?: readonly string[];
  readonly overwrite?: OverwriteRule;
  /** True: every file is read again and compared with the backup. */
  readonly verify?: boolean;
  /** False: zeros take room on the disk. */
  readonly isSparse?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

/** @throws HoldfastError grant_required, grant_expired, vault_quarantined, not_found, unsafe_restore, disk_full, cancelled. */
export async function runRestore(options: RunRestoreOptions): Promise<RestoreResult> {
  assertAbsolute(options);
  const { repo, index, snapshot } = await openPoint(options);
  return await restore(repo, index, { ...restoreOptions(options), snapshot });
}

/** What `runRestore` would do; nothing is written. It needs the same permission. @throws as runRestore. */
export async function previewRun(options: RunRestoreOptions): Promise<RestorePreview> {
  assertAbsolute(options);
  const { repo, index, snapshot } = await openPoint({ ...options, purpose: 'preview' });
  return await previewRestore(repo, index, { ...restoreOptions(options), snapshot });
}

function restoreOptions(options: RunRestoreOptions): Omit<RestoreOptions, 'snapshot'> {
  const { targetPath, include, includePatterns, exclude, overwrite, verify, isSparse, onProgress, signal } = options;
  return {
    targetDir: targetPath,
    include,
    overwrite: overwrite ?? 'refuse',
    ...(includePatterns === undefined ? {} : { includePatterns }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(verify === undefined ? {} : { verify }),
    ...(isSparse === undefined ? {} : { isSparse }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function assertAbsolute(options: RunRestoreOptions): void {
  if (!isAbsolute(options.targetPath)) {
    throw new HoldfastError(
      'bad_request',
      `The restore needs an absolute folder to write to, not "${options.targetPath}".`,
    );
  }
}

/** `latest`, a whole id or an unambiguous beginning of one. @throws HoldfastError not_found, bad_request, vault_quarantined. */
export function chooseRestorePoint(points: readonly RestorePoint[], reference: string): RestorePoint {
  if (reference === 'latest') {
    const usable = points.filter(({ state }) => state === 'sealed').toSorted((a, b) => b.captureMs - a.captureMs);
    if (usable[0] !== undefined) return usable[0];
    throw new HoldfastError('not_found', 'This machine has no usable restore point yet. Run a backup first.');
  }
  const found = /^[0-9a-f]{4,64}$/.test(reference)
    ? points.filter(({ snapshotId }) => snapshotId.startsWith(reference))
    : [];
  const [point] = found;
  if (point === undefined) {
    throw new HoldfastError('not_found', `There is no restore point ${reference}. See them with: holdfast snapshots`);
  }
  if (found.length > 1)
    throw new HoldfastError(
      'bad_request',
      `More than one restore point begins with ${reference}. Give more of its id.`,
    );
  if (point.state === 'quarantined') {
    throw new HoldfastError(
      'vault_quarantined',
      'This restore point is in quarantine because damage was found in it. Choose another one; your provider can help to restore what is intact.',
    );
  }
  if (point.state === 'expired') throw new HoldfastError('not_found', 'This restore point has expired.');
  return point;
}

/** How a restore ended for those who asked: what was kept or damaged is not there as they wanted it. */
export function endOfRestore(result: RestoreResult, targetPath: string): RestoreEndRequest {
  const isWhole = result.damaged.length === 0 && result.skipped.length === 0;
  return {
    state: isWhole ? 'delivered' : 'failed',
    message: describeRestore(result, targetPath),
    restored: { files: result.filesRestored, bytes: result.bytesRestored },
  };
}

/** One sentence about how it went, for the portal and the terminal. */
export function describeRestore(result: RestoreResult, targetPath: string): string {
  const parts = [`${count(result.filesRestored, 'file')} restored to ${targetPath}.`];
  if (result.unchanged > 0) parts.push(`${count(result.unchanged, 'file')} were there already.`);
  if (result.skipped.length > 0)
    parts.push(`${count(result.skipped.length, 'file')} kept as they were, because something stands in their place.`);
  if (result.damaged.length > 0) {
    const named = result.damaged.slice(0, 5).map(({ path }) => path);
    parts.push(
      `${count(result.damaged.length, 'file')} could not be restored intact: ${named.join(', ')}${result.damaged.length > 5 ? ', …' : ''}.`,
    );
  }
  if (result.warnings.length > 0)
    parts.push(`${count(result.warnings.length, 'entry', 'entries')} left out or not whole.`);
  return parts.join(' ');
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
