/** What a restore is asked for and what it tells. */
import type { OverwriteRule } from '../../filesystem/overwrite-rule.ts';
import type { SnapshotWithId } from '../types.ts';
import type { Selection } from './select-entries.ts';

export interface RestoreProgress {
  /** verify: what was written is read again; the counts begin anew then. */
  readonly phase: 'write' | 'verify';
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface RestoreOptions extends Selection {
  readonly snapshot: SnapshotWithId;
  readonly targetDir: string;
  readonly overwrite?: OverwriteRule;
  /** False: contents only. Modes, owners and times stay as the system makes them (drills; Node's permission model bars the rest). */
  readonly withMetadata?: boolean;
  /** True: links, devices and fifos are left out, and a file of several names is written once for each (drills: nothing may lead out). */
  readonly filesOnly?: boolean;
  /** No calls into the system library, for tests and where no foreign code may run: what is lost by it is in the warnings. */
  readonly withoutNative?: boolean;
  /** False: ranges of zeros take their room on the disk, as other contents do. */
  readonly isSparse?: boolean;
  /** True: every file that is in place in the end is read again and compared with the backup's hashes. */
  readonly verify?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
  /** Memory for what is held until the end (folders, links, devices), in bytes; by default half of the heap. What needs more is refused. */
  readonly planBytesMax?: number;
  /** Range requests in flight; each holds up to 32 MiB. */
  readonly concurrency?: number;
}

export interface RestoreProblem {
  readonly path: string;
  readonly reason: string;
}

export interface RestoreResult {
  readonly filesRestored: number;
  readonly bytesRestored: number;
  /** Files and links that were there already, with the right size and time or target, or newer where that rule was given. */
  readonly unchanged: number;
  /** Files that were read again and are what the backup says; 0 unless that was asked for. */
  readonly filesVerified: number;
  /** Places that were taken and kept as they were. */
  readonly skipped: readonly string[];
  /** Files and folders that could not be restored intact; a damaged file is not left behind half-written. */
  readonly damaged: readonly RestoreProblem[];
  /** Entries left out on purpose or in part, such as devices and owners. */
  readonly warnings: readonly RestoreProblem[];
}
