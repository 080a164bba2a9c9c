/**
 * The messages between a worker and its sandbox child. The child gets the vault's password and a task, asks for bytes of this
 * one vault, and answers once. What the child sends is parsed strictly: it works on hostile data and may have been taken over.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../../core/base/errors.ts';

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
  readonly targetDir: string;
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

export type SandboxTask = DrillTask | ListTask | DownloadTask;

/** Parent to child, after the task: the answer to request `id`; the bytes of a get are the frame's body. */
export type StoreAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

const key = z.string().regex(/^(config|(keys|index|snapshots)\/[0-9a-f]{64}|data\/[0-9a-f]{2}\/[0-9a-f]{64})$/);
const prefix = z.enum(['keys/', 'index/', 'snapshots/']);

export const childMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('get'),
    id: count,
    key,
    range: z.strictObject({ offset: count, length: count }).nullable(),
  }),
  z.strictObject({ type: z.literal('head'), id: count, key }),
  z.strictObject({ type: z.literal('list'), id: count, prefix }),
  z.strictObject({
    type: z.literal('progress'),
    step: z.enum(['open', 'locate', 'transfer']),
    filesDone: count,
    bytesDone: count,
  }),
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
  timings: z.strictObject({ openMs: count, locateMs: count, transferMs: count }),
});
export type DrillResult = z.infer<typeof drillResult>;

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
