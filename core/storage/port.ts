/**
 * The object-store port. It is split by authority: who may read, who may create, who may remove. Code that only verifies
 * or drills receives a ReadStore and therefore cannot write, by type. Adapters: file, gcs, memory; every one of them
 * passes testing/conformance.ts.
 *
 * Keys are `/`-separated, relative, ASCII, without anything that a URL or a file system would read otherwise: object-key.ts.
 * CRC32C values are base64 of four big-endian bytes, as Google Cloud Storage writes them.
 */

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Base64, 4 bytes big-endian. Computed over the stored bytes. */
  readonly crc32c: string;
  /** Opaque; changes whenever the object is replaced. */
  readonly generation: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly createdMs: number;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** As of ObjectInfo, where the store has it at hand; absent where it would have to read the object for it. */
  readonly crc32c?: string;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ReadStore {
  /** Undefined when there is no such object. The checksum is of the bytes as they lie there now. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /**
   * Whole object, or the range. The bytes are the caller's own, to change or to hand to a thread. A store may put them where
   * `room` says, which is asked for so many bytes, and again when a reading is repeated: memory that was used before costs less.
   * @throws HoldfastError object_missing; storage_unavailable; object_mismatch when short.
   */
  get(key: string, range?: ByteRange, room?: (bytes: number) => Uint8Array): Promise<Uint8Array>;
  /** Whole object in pieces of at most a few MiB. @throws as get. */
  stream(key: string): AsyncIterable<Uint8Array>;
  /** In ascending byte order of keys. */
  list(prefix: string): AsyncIterable<ListedObject>;
}

export interface SizeStore {
  /** Bytes; undefined when there is no such object. Cheap where head is not: the file store's head reads every byte. */
  sizeOf(key: string): Promise<number | undefined>;
}

export interface CreateOptions {
  /** Base64 CRC32C of the bytes; the store refuses other bytes with object_mismatch. */
  readonly crc32c?: string;
  /** What the bytes are, for a store behind which a ledger is kept; the others pay no heed. */
  readonly kind?: 'data_pack' | 'tree_pack' | 'index' | 'snapshot' | 'key' | 'config';
}

export interface CreateStore {
  /**
   * Create-only: an existing object is never replaced. 'exists' says that the key is taken (by whatever bytes; the caller
   * compares). Durable when the promise resolves.
   */
  create(key: string, bytes: Uint8Array, options?: CreateOptions): Promise<'created' | 'exists'>;
}

export interface StreamTerms {
  /** Each of the three is checked when given; a difference is refused with object_mismatch and leaves nothing behind. */
  readonly size?: number;
  readonly crc32c?: string;
  /** Lowercase hex. */
  readonly sha256?: string;
}

export interface StreamCreateStore {
  /**
   * As create, for bytes that are too many to hold in memory. The pieces are read once, 'exists' may leave some unread,
   * and their bytes must not change after they were handed over.
   */
  createFrom(key: string, pieces: AsyncIterable<Uint8Array>, terms?: StreamTerms): Promise<'created' | 'exists'>;
}

export interface ScratchStore {
  /** A folder for files on their way into the store, on its own disk where it has one. Made when it is missing. */
  scratchFolder(): Promise<string>;
}

/** What a store with a disk of its own can do besides, so that large objects need not go through memory. */
export interface FileCreateStore {
  /**
   * As create, for the contents of a finished file: where the file lies in the scratch folder it becomes the object itself,
   * so its owner must not change it any more. The name of the file may be gone afterwards, or not: its owner removes it.
   */
  createFromFile(
    key: string,
    path: string,
    options: CreateOptions & { readonly size: number },
  ): Promise<'created' | 'exists'>;
}

export interface AdministerStore {
  /** Removes exactly this generation, or any when undefined. Removing what is not there (any more) is no error. */
  remove(key: string, generation?: string): Promise<void>;
}

export interface RetentionStore {
  /**
   * Until then nobody removes or replaces the object, its owner and the service among them. 'unsupported': this bucket cannot
   * promise it. @throws HoldfastError object_missing.
   */
  retain(key: string, untilMs: number): Promise<'locked' | 'unsupported'>;
}

export interface UploadTerms {
  readonly size: number;
  /** Base64 CRC32C that the uploaded bytes must have. */
  readonly crc32c: string;
  /** Lowercase hex; checked by the embedded store at upload, by the seal worker everywhere. */
  readonly sha256: string;
  readonly expiresMs: number;
}

export interface SignedRequest {
  readonly method: 'GET' | 'PUT';
  readonly url: string;
  /** To be sent exactly; they are part of what is signed. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface DownloadTerms {
  readonly expiresMs: number;
  /** The name under which a browser saves it; content-disposition.ts makes it harmless. */
  readonly filename?: string;
}

export interface SigningStore {
  /** A PUT that can create this object with these bytes once, and nothing else. 412 answers: the key is taken. */
  signUpload(key: string, terms: UploadTerms): Promise<SignedRequest>;
  signDownload(key: string, terms: DownloadTerms): Promise<SignedRequest>;
}

export type ReadCreateStore = ReadStore & CreateStore & Partial<ScratchStore & FileCreateStore>;
export type ObjectStore = ReadStore &
  SizeStore &
  CreateStore &
  Partial<ScratchStore & FileCreateStore & RetentionStore> &
  StreamCreateStore &
  AdministerStore &
  SigningStore;
