/**
 * The words of the repository that its parts share. The stored format is restic's, version 2: see docs/format.md.
 * Ids are lowercase hex SHA-256 (64 characters) at the borders; the blob index keeps them as bytes.
 */
import type { AdministerStore, ReadCreateStore, ReadStore } from '../storage/port.ts';
import type { ReadCrypto } from './crypto/read-crypto.ts';

export type BlobType = 'data' | 'tree';

/** The three secrets of a repository: restic's master key. `r` is kept as stored and clamped when used. */
export interface MasterKey {
  readonly encrypt: Uint8Array; // 32 bytes, AES-256-CTR
  readonly macK: Uint8Array; // 16 bytes, AES-128 key of Poly1305-AES
  readonly macR: Uint8Array; // 16 bytes
}

export interface RepositoryConfig {
  readonly version: 1 | 2;
  readonly id: string;
  /** Hex without 0x, as stored. */
  readonly chunkerPolynomial: string;
}

/** Where a blob lies. Lengths in bytes; `uncompressedLength` is 0 for a blob that is stored uncompressed. */
export interface PackedBlob {
  readonly id: string;
  readonly type: BlobType;
  readonly packId: string;
  readonly offset: number;
  /** Sealed length inside the pack, with IV and MAC. */
  readonly length: number;
  readonly uncompressedLength: number;
}

export type NodeType = 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket' | 'irregular';

/** A pack's blobs by their kinds of facts. */
export interface PackedColumns {
  readonly packId: string;
  readonly type: BlobType;
  readonly ids: Uint8Array;
  readonly lengths: Uint32Array;
  /** 0 for those that are stored uncompressed. */
  readonly uncompressedLengths: Uint32Array;
}

/** While it is made. */
export type Filling<T> = { -readonly [K in keyof T]: T[K] };

/** One entry of a tree, decoded. Names and link targets are raw bytes, for they need not be valid UTF-8. */
export interface TreeNode {
  readonly name: Uint8Array;
  readonly type: NodeType;
  /** Go fs.FileMode bits, as stored. */
  readonly mode: number;
  /** RFC 3339 text with up to nanoseconds, as stored. */
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: bigint;
  readonly deviceId?: bigint;
  readonly size?: bigint;
  readonly links?: bigint;
  readonly linkTarget?: Uint8Array;
  readonly extendedAttributes?: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];
  readonly device?: bigint;
  /** Blob ids; null for all but files. */
  readonly content: readonly string[] | null;
  readonly subtree?: string;
}

export interface SnapshotSummary {
  readonly backup_start: string;
  readonly backup_end: string;
  readonly files_new: number;
  readonly files_changed: number;
  readonly files_unmodified: number;
  readonly dirs_new: number;
  readonly dirs_changed: number;
  readonly dirs_unmodified: number;
  readonly data_blobs: number;
  readonly tree_blobs: number;
  readonly data_added: number;
  readonly data_added_packed: number;
  readonly total_files_processed: number;
  readonly total_bytes_processed: number;
}

/** A snapshot file, in the order in which restic writes its fields. */
export interface Snapshot {
  readonly time: string;
  readonly parent?: string;
  readonly tree: string;
  readonly paths: readonly string[];
  readonly hostname?: string;
  readonly username?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly excludes?: readonly string[];
  readonly tags?: readonly string[];
  readonly original?: string;
  readonly program_version?: string;
  readonly summary?: SnapshotSummary;
}

export type SnapshotWithId = Snapshot & { readonly id: string };

/** A repository that was opened with a password: its configuration and master key are known. */
export interface OpenRepository {
  /** Reading only: listing, restoring, checking and drilling get no more than this. */
  readonly store: ReadStore;
  /** What opened it, and opens all that is in it. */
  readonly crypto: ReadCrypto;
  readonly config: RepositoryConfig;
  readonly masterKey: MasterKey;
  /** Id of the key file that opened it. */
  readonly keyId: string;
}

/** An opened repository that backups may add to. */
export interface WritableRepository extends OpenRepository {
  readonly store: ReadCreateStore;
}

/** An opened repository from which may be removed: for whoever holds its exclusive lock. */
export interface AdministeredRepository extends WritableRepository {
  readonly store: ReadCreateStore & AdministerStore;
}

/** An object that a backup added, as the commit manifest lists it. */
export interface AddedObject {
  /** Key inside the repository, such as `data/ab/ab12…` or `index/…`. */
  readonly key: string;
  readonly size: number;
  /** Base64 CRC32C of the stored bytes. */
  readonly crc32c: string;
  readonly kind: 'data_pack' | 'tree_pack' | 'index' | 'snapshot' | 'key' | 'config';
}

/** A source entry that could not be read, or not be read whole. */
export interface UnreadItem {
  readonly path: string;
  readonly reason: 'vanished' | 'permission_denied' | 'read_error' | 'changed_while_reading' | 'unsupported_type';
  /** Bytes that are missing because of it; 0 when unknown. */
  readonly bytes: number;
  readonly message: string;
}

/** What the agent saw with its own eyes, apart from the chunk pipeline: plain SHA-256 of a file as it was read. */
export interface WitnessFile {
  /** Absolute path as stored in the snapshot (slash-separated, valid UTF-8 only). */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly role: 'canary' | 'sample';
}

export interface BackupProgress {
  readonly phase: 'scan' | 'read' | 'index' | 'done';
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Bytes of new packs uploaded so far. */
  readonly bytesAdded: number;
  readonly currentPath?: string;
}
