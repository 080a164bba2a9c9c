/** The commit manifest of a finished backup: what was stored, what could not be read, what a drill can compare with. */
import { type CommitManifest, commitManifest, type ManifestObject } from '../../core/protocol/manifest.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import type { UnreadItem } from '../../core/repository/types.ts';

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
}

const UNREAD_LISTED_MAX = 1000;
const PATH_MAX = 8192;
const MESSAGE_MAX = 1000;
const WITNESS_MAX = 10_000;

/** @throws when a figure is outside of what the protocol takes: a defect, found before it is signed. */
export function runManifest(result: BackupResult, facts: RunFacts): CommitManifest {
  const objects = new Map<string, ManifestObject>();
  for (const object of [...facts.takenOver, ...result.added]) objects.set(object.key, { ...object });
  const { takenOver: _, ...about } = facts;
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
    // The canary first, so that the cap never takes it. A path too long for the message cannot be drilled, only restored.
    witness: result.witness
      .filter(({ path }) => path.length <= PATH_MAX)
      .toSorted((a, b) => Number(b.role === 'canary') - Number(a.role === 'canary'))
      .slice(0, WITNESS_MAX)
      .map((file) => ({ ...file })),
  });
}

/** The first thousand, clipped to what a message takes; the counts are of all. */
export function listedUnread(unread: readonly UnreadItem[]): UnreadItem[] {
  return unread.slice(0, UNREAD_LISTED_MAX).map((item) => ({
    ...item,
    path: item.path.slice(0, PATH_MAX),
    message: item.message.slice(0, MESSAGE_MAX),
  }));
}
