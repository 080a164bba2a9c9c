/**
 * The messages between a worker and its sandbox child. The child gets the vault's password and a task, asks for bytes of this
 * one vault, and answers once. What the child sends is parsed strictly: it works on hostile data and may have been taken over.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../../core/base/errors.ts';
import type { DatabaseChecks } from '../../core/domain/database-checks.ts';
import { drillCheck } from '../../core/domain/drill-checks.ts';
import type { BootTest, ScriptTest } from '../../core/domain/system-tests.ts';

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = (max: number) => z.string().max(max);

/** To restore files of a snapshot below a folder. */
export interface DrillTask {
  readonly kind: 'drill';
  readonly password: string;
  readonly snapshotId: string;
  readonly treeId: string;
  /** Absolute paths inside the snapshot. */
  readonly paths: readonly string[];
  /** Every regular file of the snapshot is restored, not those of `paths` alone. */
  readonly isWhole?: boolean;
  /** What the deeper looks need beside these. */
  readonly also?: ExtraFiles;
  readonly targetDir: string;
}

export interface ExtraFiles {
  /** Files, and folders with all that is in them. */
  readonly paths: readonly string[];
  /** And the one disk image that the restore point holds, when it holds one. */
  readonly onlyImage: boolean;
  /** Room for all of them; what does not fit is left out. */
  readonly bytesMax: number;
}

export interface ListTask {
  readonly kind: 'list';
  readonly password: string;
  readonly snapshotId: string;
  readonly treeId: string;
  /** `/` is the root. */
  readonly path: string;
  readonly entriesMax: number;
}

export interface DownloadTask {
  readonly kind: 'download';
  readonly password: string;
  readonly snapshotId: string;
  readonly treeId: string;
  readonly path: string;
  /** What was asked for; another kind of entry at the path is refused. */
  readonly as: 'file' | 'zip';
  readonly bytesMax: number;
  readonly entriesMax: number;
}

interface OpenCommon {
  readonly kind: 'open';
  /** Path in the snapshot, for people. */
  readonly subject: string;
  /** In words, such as "the database shop". */
  readonly title: string;
  readonly checks: DatabaseChecks;
}

/** All names of files and folders are relative to the scratch folder, which is where the child is. */
export interface OpenPostgresTask extends OpenCommon {
  readonly what: 'postgres';
  readonly dump: string;
  /** custom: pg_restore reads it; plain: psql does. */
  readonly format: 'custom' | 'plain';
  /** Roles; null: everything then belongs to the one who restores. */
  readonly globals: string | null;
  readonly programs: string;
}

export interface OpenMariadbTask extends OpenCommon {
  readonly what: 'mariadb';
  readonly dump: string;
  readonly programs: { readonly server: string; readonly install: string; readonly client: string };
}

export interface OpenSqliteTask extends OpenCommon {
  readonly what: 'sqlite';
  readonly dump: string;
}

export interface OpenFilesTask {
  readonly kind: 'open';
  readonly what: 'files';
  /** `path`: where it lies in the snapshot. A dump that is broken was never whole; another file may have been so already. */
  readonly files: readonly { readonly name: string; readonly path: string; readonly isDump: boolean }[];
}

export type OpenTask = OpenPostgresTask | OpenMariadbTask | OpenSqliteTask | OpenFilesTask;

/** To start a system from a restored disk image. The image is readable for the child and is not written to. */
export interface BootTask {
  readonly kind: 'boot';
  /** Where the image is. */
  readonly image: string;
  /** Path in the snapshot. */
  readonly subject: string;
  readonly test: BootTest;
  readonly password: string | null;
}

/** To run a script of the owner's on restored files. They are readable for the child and are not written to. */
export interface ScriptTask {
  readonly kind: 'script';
  readonly script: ScriptTest;
  /** The folder in which the restored files are, by their paths in the snapshot. */
  readonly restored: string;
}

/** To open packs and compare every blob with its name. */
export interface DecryptTask {
  readonly kind: 'decrypt';
  readonly password: string;
  /** Sizes in bytes, by the ledger. */
  readonly packs: readonly { readonly id: string; readonly size: number }[];
  /** So many are asked for at once: the parent hashes them side by side. */
  readonly packsAtOnce: number;
}

/** To name who needs what lies in damaged objects. */
export interface TraceTask {
  readonly kind: 'trace';
  readonly password: string;
  readonly damagedKeys: readonly string[];
  /** Named at most: of blobs, files and snapshots each. */
  readonly namesMax: number;
  /** Folders that are looked at. */
  readonly treesMax: number;
}

/** To prove that what damaged objects held is there again. */
export interface ProveTask {
  readonly kind: 'prove';
  readonly password: string;
  readonly damagedPackIds: readonly string[];
  /** Packs that the repair has brought. */
  readonly newPackIds: readonly string[];
  /** Index files, and those that stand in their place. */
  readonly replaced: readonly { readonly from: string; readonly to: string | null }[];
  readonly snapshots: readonly { readonly id: string; readonly treeId: string }[];
}

export type SystemTask = BootTask | ScriptTask;

export type SandboxTask =
  | DrillTask
  | ListTask
  | DownloadTask
  | OpenTask
  | SystemTask
  | DecryptTask
  | TraceTask
  | ProveTask;

/**
 * Parent to child, after the task: the answer to request `id`. The bytes of a get are the frame's body, or lie in the shared file
 * until the child releases them.
 */
export type StoreAnswer =
  | {
      readonly id: number;
      readonly ok: true;
      readonly value: unknown;
      readonly placed?: { readonly at: number; readonly length: number };
    }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

const key = z.string().regex(/^(config|(keys|index|snapshots)\/[0-9a-f]{64}|data\/[0-9a-f]{2}\/[0-9a-f]{64})$/);
const prefix = z.enum(['keys/', 'index/', 'snapshots/']);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const NAMES_MAX = 1000;

export const childMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('get'),
    id: count,
    key,
    range: z.strictObject({ offset: count, length: count }).nullable(),
  }),
  z.strictObject({ type: z.literal('head'), id: count, key }),
  z.strictObject({ type: z.literal('list'), id: count, prefix }),
  /** What begins there in the shared file is needed no more. */
  z.strictObject({ type: z.literal('release'), at: count }),
  z.strictObject({
    type: z.literal('progress'),
    step: z.enum(['open', 'locate', 'transfer', 'system', 'script', 'provision', 'start', 'rebuild', 'checks']),
    filesDone: count,
    bytesDone: count,
  }),
  /** These were found intact, so that nobody has to look at them again when the child does not come to its end. */
  z.strictObject({ type: z.literal('checked'), keys: z.array(key).max(100_000) }),
  z.strictObject({ type: z.literal('result'), value: z.unknown() }),
  z.strictObject({ type: z.literal('error'), code: z.enum(ERROR_CODES), message: text(2000) }),
]);
export type ChildMessage = z.infer<typeof childMessage>;
export type SandboxProgress = Omit<Extract<ChildMessage, { type: 'progress' }>, 'type'>;

export const drillResult = z.strictObject({
  filesRestored: count,
  bytesRestored: count,
  /** Paths that are no regular file of the snapshot. */
  absent: z.array(text(8192)).max(20_000),
  damaged: z.array(z.strictObject({ path: text(8192), reason: text(2000) })).max(20_000),
  /** Index files that could not be read. */
  damagedIndexes: z.array(text(100)).max(10_000),
  /** What became of the extra files: those asked for by path, and the images that were found. */
  also: z.array(z.strictObject({ path: text(8192), state: z.enum(['restored', 'absent', 'too_large']) })).max(1000),
  images: z.array(text(8192)).max(1000),
  timings: z.strictObject({ openMs: count, locateMs: count, firstByteMs: count, transferMs: count }),
});
export type DrillResult = z.infer<typeof drillResult>;

export const openResult = z.strictObject({
  checks: z.array(drillCheck).max(2000),
  /** Rows by table; null where nothing was loaded. */
  rows: z.record(z.string().max(300), count).nullable(),
  newest: z
    .array(
      z.strictObject({
        table: text(256),
        column: text(256),
        newestMs: z.number().min(-8.64e15).max(8.64e15).nullable(),
        error: text(2000).nullable(),
      }),
    )
    .max(50),
  timings: z.strictObject({ provisionMs: count, startMs: count, rebuildMs: count, checksMs: count }),
});
export type OpenResult = z.infer<typeof openResult>;

export const systemResult = z.strictObject({
  checks: z.array(drillCheck).max(10),
  /** Does PICTURE_FILE (limits.ts) of the scratch folder hold what the screen showed at the end? */
  hasPicture: z.boolean(),
  /** What it ran on: name and version. */
  software: z.record(text(40), text(200)),
  timings: z.strictObject({ provisionMs: count, startMs: count, checksMs: count }),
});
export type SystemResult = z.infer<typeof systemResult>;

export const listedEntry = z.strictObject({
  name: text(8192),
  type: z.enum(['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket', 'irregular']),
  size: count,
  /** Milliseconds since the epoch; null where the stored time is none. */
  mtime: z.number().nullable(),
  linkTarget: text(8192).optional(),
});
export type ListedEntry = z.infer<typeof listedEntry>;

export const listResult = z.strictObject({
  entries: z.array(listedEntry).max(100_000),
  /** Of the folder, also those over the limit. */
  total: count,
});
export type ListResult = z.infer<typeof listResult>;

export const downloadResult = z.strictObject({ files: count, bytes: count });
export type DownloadResult = z.infer<typeof downloadResult>;

/** Objects in which something is wrong; all others of the task, and the vault's metadata, are intact. */
export const decryptResult = z.strictObject({
  bad: z.array(z.strictObject({ key, reason: text(2000) })).max(100_000),
});
export type DecryptResult = z.infer<typeof decryptResult>;

export const traceResult = z.strictObject({
  /** The first of them, and how many in all. */
  blobs: z.array(z.strictObject({ id: hex64, type: z.enum(['data', 'tree']) })).max(NAMES_MAX),
  blobsTotal: count,
  files: z.array(z.strictObject({ path: text(8192), snapshots: count })).max(NAMES_MAX),
  filesTotal: count,
  snapshots: z.array(z.strictObject({ id: hex64, files: count })).max(NAMES_MAX),
  snapshotsTotal: count,
  /** False: it stopped at its bounds, and there may be more. */
  isComplete: z.boolean(),
});
export type TraceResult = z.infer<typeof traceResult>;

export const proveResult = z.strictObject({
  /** `lost`: blobs without an intact copy elsewhere. */
  packs: z.array(z.strictObject({ id: hex64, blobs: count, lost: count })).max(20_000),
  /** Index files whose replacement does not say the same of every intact pack. */
  unfaithful: z.array(hex64).max(10_000),
  snapshots: z
    .array(z.strictObject({ id: hex64, isWhole: z.boolean(), packIds: z.array(hex64).max(100_000) }))
    .max(100_000),
});
export type ProveResult = z.infer<typeof proveResult>;
