/**
 * One backup: walk, read what changed, store new pieces and folders, then the index, and the snapshot last. Interrupted
 * anywhere, the repository holds at most packs that nothing names; nothing that was there is touched.
 */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ReadAhead } from '../../filesystem/read-ahead.ts';
import type { TagFileRule } from '../../filesystem/scan.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { ZoneOffset } from '../format/go-text.ts';
import type {
  AddedObject,
  BackupProgress,
  SnapshotWithId,
  UnreadItem,
  WitnessFile,
  WritableRepository,
} from '../types.ts';
import { BackupRun } from './backup-run.ts';
import type { NewDataFigures } from './new-data-signs.ts';
import type { StreamSource } from './stream-source.ts';

export interface BackupOptions {
  /** Absolute files and folders. One that is a symbolic link is followed. None only where there are streams. */
  readonly paths: readonly string[];
  /** Read one after the other in this order, behind the files. */
  readonly streams?: readonly StreamSource[];
  /**
   * What a stream that failed does: `fail` (the default) ends the backup without a snapshot; `leave_out` makes one without
   * that stream, which stands among the unread. In neither case is anything of it in a snapshot.
   */
  readonly onStreamFailure?: 'fail' | 'leave_out';
  /** Patterns: core/filesystem/exclude.ts. */
  readonly excludes?: readonly string[];
  readonly excludesAnyCase?: readonly string[];
  readonly excludeIfPresent?: readonly TagFileRule[];
  readonly excludeLargerThan?: number | undefined;
  /** Absolute folders, taken literally; a path of `paths` inside one is backed up all the same. */
  readonly excludedFolders?: readonly string[];
  readonly oneFileSystem?: boolean;
  /** A scan of the same sources that has begun already; its excludes and its scope are what counts then. */
  readonly scan?: ReadAhead;
  /**
   * Absolute path of a file in which this machine remembers the folders of the last snapshot of these paths; a path of its own
   * for each repository, host and list of paths. Without one, the trees of the parent are fetched.
   */
  readonly statePath?: string;
  /** No calls into the system library, for tests and where no foreign code may run: without extended attributes and ACLs. */
  readonly withoutNative?: boolean;
  readonly hostname: string;
  readonly username?: string;
  readonly tags?: readonly string[];
  readonly parent?: SnapshotWithId;
  /** The snapshot's time: when its data was true. */
  readonly time: Date;
  /** In which times are spelled; by default the zone that the runtime knows. */
  readonly zone?: ZoneOffset;
  /** Loaded from this repository; new blobs are added to it. After a failed backup it must be loaded anew. */
  readonly index: BlobIndex;
  readonly clock: Clock;
  readonly programVersion: string;
  /** Threads that read and seal; by default one a processor, four at most. */
  readonly readConcurrency?: number | undefined;
  /** Size at which a pack is closed. */
  readonly packBytes?: number;
  /** Files that are hashed apart from the pipeline, for drills to compare with. */
  readonly witness?: { readonly canaryPath?: string; readonly seed: string; readonly sampleCount: number };
  /** Often: once a folder and once a few megabytes. */
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
  readonly log?: Log;
}

export interface BackupWarning {
  readonly path: string;
  readonly reason: string;
}

/** How the files differ from those of the parent. Contents of dumps are left out; each counts as one file. */
export interface BackupChanges extends NewDataFigures {
  /** Null without a parent, and where what it held is not wholly known. */
  readonly files: {
    /** In the parent. */
    readonly former: number;
    /** Of these, the ones whose contents are others now. */
    readonly changed: number;
    /** Of these, the ones that are not in this snapshot: deleted, moved, left out, or not readable. */
    readonly gone: number;
  } | null;
}

export interface BackupResult {
  readonly snapshotId: string;
  readonly snapshot: SnapshotWithId;
  readonly added: readonly AddedObject[];
  /** Every pack that the snapshot needs, older ones too. */
  readonly packIds: readonly string[];
  readonly unread: readonly UnreadItem[];
  /** What is not kept of entries that are: single attributes, or all of them on a machine that cannot read them. */
  readonly warnings: readonly BackupWarning[];
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly unreadBytes: number;
  /** Sockets, which no backup can hold. */
  readonly socketsSkipped: number;
  readonly addedBlobs: number;
  /** Plain bytes that were new. */
  readonly addedBytes: number;
  /** Sealed bytes that were new. */
  readonly storedBytes: number;
  readonly witness: readonly WitnessFile[];
  readonly changes: BackupChanges;
}

/**
 * Order: every pack is durable, then index files, then the snapshot.
 * @throws HoldfastError source_missing when a root is missing or empty (no snapshot is made), source_unreadable when not
 * one selected file could be read or a stream failed, bad_request for a stream without a place, cancelled, and whatever the store throws. Single unread files do not throw: see `unread`.
 */
export async function backup(repo: WritableRepository, options: BackupOptions): Promise<BackupResult> {
  const run = new BackupRun(repo, options);
  try {
    return await run.result();
  } finally {
    await run.close();
  }
}
