/** The commit manifest of a finished backup: what was stored, what could not be read, what a drill can compare with. */
import {
  changeFigures,
  type CommitManifest,
  commitManifest,
  type ManifestObject,
} from '../../core/protocol/manifest.ts';
import { CHANGES_REVISION, NOT_KEPT_REVISION } from '../../core/protocol/version.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import type { UnreadItem } from '../../core/repository/types.ts';
import type { DumpFacts } from '../sources/dump-stream.ts';

export interface RunFacts {
  readonly runId: string;
  readonly vaultId: string;
  readonly repositoryId: string;
  readonly parentSnapshotId: string | null;
  readonly captureMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Taken over from an interrupted run. */
  readonly takenOver: readonly ManifestObject[];
  /** Witnesses of the dumps. */
  readonly dumps: readonly DumpFacts[];
  /** Of the gateway that is to take it. */
  readonly revision: number;
}

const LISTED_MAX = 1000;
const PATH_MAX = 8192;
const MESSAGE_MAX = 1000;
const WITNESS_MAX = 10_000;

/** @throws when a figure is outside of what the protocol takes: a defect, found before it is signed. */
export function runManifest(result: BackupResult, facts: RunFacts): CommitManifest {
  const objects = new Map<string, ManifestObject>();
  for (const object of [...facts.takenOver, ...result.added]) objects.set(object.key, { ...object });
  const { takenOver: _, dumps, revision, ...about } = facts;
  return commitManifest.parse({
    version: 1,
    ...about,
    snapshotId: result.snapshotId,
    treeId: result.snapshot.tree,
    objects: [...objects.values()],
    packIds: [...result.packIds],
    selected: { files: result.selectedFiles, bytes: result.selectedBytes },
    added: { blobs: result.addedBlobs, bytes: result.addedBytes, storedBytes: result.storedBytes },
    unread: listedUnread(result.unread),
    unreadCount: result.unread.length,
    unreadBytes: result.unreadBytes,
    ...(revision < NOT_KEPT_REVISION ? {} : notKept(result.warnings)),
    ...(revision < CHANGES_REVISION ? {} : changesOf(result.changes)),
    // The canary first and dumps next, so that the cap never takes them. A path too long for the message cannot be drilled,
    // only restored.
    witness: [...dumps.map(dumpWitness), ...result.witness.map((file) => ({ ...file }))]
      .filter(({ path }) => path.length <= PATH_MAX)
      .toSorted((a, b) => Number(b.role === 'canary') - Number(a.role === 'canary'))
      .slice(0, WITNESS_MAX),
  });
}

/** Nothing when there is nothing. */
function notKept(warnings: BackupResult['warnings']): Pick<CommitManifest, 'notKept' | 'notKeptCount'> {
  if (warnings.length === 0) return {};
  const listed = warnings
    .slice(0, LISTED_MAX)
    .map(({ path, reason }) => ({ path: path.slice(0, PATH_MAX), reason: reason.slice(0, MESSAGE_MAX) }));
  return { notKept: listed, notKeptCount: warnings.length };
}

/** Figures that no message takes are left out: no backup fails for them. */
function changesOf(changes: BackupResult['changes']): Pick<CommitManifest, 'changes'> {
  const { data, success } = changeFigures.safeParse(changes);
  return success ? { changes: data } : {};
}

function dumpWitness({ path, bytes, sha256, ...dump }: DumpFacts): CommitManifest['witness'][number] {
  return { path, size: bytes, sha256, role: 'dump', dump };
}

/** The first thousand, clipped to what a message takes; the counts are of all. */
export function listedUnread(unread: readonly UnreadItem[]): UnreadItem[] {
  return unread.slice(0, LISTED_MAX).map((item) => ({
    ...item,
    path: item.path.slice(0, PATH_MAX),
    message: item.message.slice(0, MESSAGE_MAX),
  }));
}
