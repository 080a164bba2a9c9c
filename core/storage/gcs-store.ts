/**
 * Objects in a Google Cloud Storage bucket. Create-only is `ifGenerationMatch: 0`; the service refuses bytes that do not
 * have the announced CRC32C; signed URLs carry both conditions as signed headers, so their holder cannot drop them.
 * The client's own checksums are switched off: they are a slow table in JavaScript, and ours are compared anyway.
 */
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Bucket, type File, Storage, type StorageOptions } from '@google-cloud/storage';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { Crc32c, crc32cBase64 } from '../base/crc32c.ts';
import { HoldfastError } from '../base/errors.ts';
import { contentDisposition } from './content-disposition.ts';
import { type GcsDownload, type GcsDownloadRequest, isBucketMissing, openGcsDownload } from './gcs-download.ts';
import { defaultRetryPolicy, type RetryPolicy, statusOf, waitBeforeRetry, withRetries } from './gcs-retry.ts';
import { assertKeyPrefix, assertObjectKey } from './object-key.ts';
import type {
  ByteRange,
  DownloadTerms,
  ListedObject,
  ObjectInfo,
  ObjectStore,
  RetentionStore,
  SignedRequest,
  StreamTerms,
  UploadTerms,
} from './port.ts';
import { objectMismatch, objectMissing, objectShort, storageUnavailable } from './store-errors.ts';
import { StreamCheck } from './stream-check.ts';

export interface GcsStoreOptions {
  readonly bucket: string;
  /** Folder of the bucket in which all keys lie; no slash at the ends. */
  readonly prefix?: string;
  /** Project, `apiEndpoint`. */
  readonly storage?: Omit<StorageOptions, 'credentials' | 'keyFilename'>;
  /** Of a service account. Without them the client finds the machine's own identity. */
  readonly credentials?: GcsCredentials;
  readonly clock?: Clock;
  readonly retry?: Partial<RetryPolicy>;
}

export interface GcsCredentials {
  readonly client_email: string;
  readonly private_key: string;
}

/** V4 signatures hold seven days at most. */
const SIGNED_MS_MAX = 7 * 24 * 3600_000;
const LIST_PAGE_OBJECTS = 1000;

interface Context {
  readonly client: Storage;
  readonly isAuthenticated: boolean;
  readonly bucket: Bucket;
  readonly root: string;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  file(key: string): File;
}

/**
 * The client's own option for credentials takes any kind, among them those that name addresses to ask for tokens, and warns of
 * that at each start. Ours are of a service account and nothing else.
 */
function openClient({ storage, credentials }: GcsStoreOptions, retryOptions: StorageOptions['retryOptions']): Storage {
  const client = new Storage({ ...storage, ...(retryOptions === undefined ? {} : { retryOptions }) });
  if (credentials !== undefined)
    client.authClient.jsonContent = {
      type: 'service_account',
      client_email: credentials.client_email,
      private_key: credentials.private_key,
    };
  return client;
}

export function createGcsStore(options: GcsStoreOptions): ObjectStore & RetentionStore {
  const client = openClient(options, { autoRetry: false, maxRetries: 0 });
  // Resumable uploads know how far they came, which only the client can tell: there its own retries stay on.
  const resumingClient = openClient(options, { autoRetry: true, maxRetries: 5 });
  const bucket = client.bucket(options.bucket);
  const root = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`;
  const retry: RetryPolicy = { ...defaultRetryPolicy, ...options.retry };
  const file = (key: string): File => {
    assertObjectKey(key);
    return bucket.file(root + key);
  };
  // The client's own rule: a custom endpoint gets no credentials unless that is asked for.
  const isAuthenticated =
    options.storage?.apiEndpoint === undefined || options.storage.useAuthWithCustomEndpoint === true;
  const context: Context = { client, isAuthenticated, bucket, root, retry, clock: options.clock ?? systemClock, file };

  return {
    head: (key) => head(context, key),
    sizeOf: async (key) => (await head(context, key))?.size,
    get: (key, range, room) => get(context, key, range, room),
    stream: (key) => stream(context, key),
    list: (prefix) => {
      assertKeyPrefix(prefix);
      return list(context, prefix);
    },
    create: (key, bytes, terms) => create(context, key, bytes, terms?.crc32c),
    async createFrom(key, pieces, terms) {
      assertObjectKey(key);
      return await createFrom(resumingClient.bucket(options.bucket).file(root + key), key, pieces, terms ?? {});
    },
    async remove(key, generation) {
      const target = file(key);
      await withRetries(retry, 'remove', key, async () => {
        try {
          await target.delete(generation === undefined ? {} : { ifGenerationMatch: generation });
        } catch (error) {
          // 404: gone already. 412: another generation, which was not to be touched.
          const status = statusOf(error);
          if (status === 412 || (status === 404 && !isBucketMissing(error))) return;
          throw error;
        }
      });
    },
    retain: (key, untilMs) => retain(context, key, untilMs),
    signUpload: (key, terms) => signUpload(context, key, terms),
    signDownload: (key, terms) => signDownload(context, key, terms),
  };
}

/** Locked mode: it can be made longer and never shorter, by nobody. A bucket without object retention refuses. */
async function retain(context: Context, key: string, untilMs: number): Promise<'locked' | 'unsupported'> {
  const file = context.file(key);
  return await withRetries(context.retry, 'retain', key, async () => {
    try {
      const retention = { mode: 'Locked', retainUntilTime: new Date(untilMs).toISOString() };
      await file.setMetadata({ retention });
      return 'locked';
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 && !isBucketMissing(error)) throw objectMissing(key, error);
      // 400: not enabled for the bucket. 403: enabled, and this identity may not lock; the anchor stands unlocked then.
      if (status === 400 || status === 403) return 'unsupported';
      throw error;
    }
  });
}

// ---- reading

async function head(context: Context, key: string): Promise<ObjectInfo | undefined> {
  const file = context.file(key);
  return await withRetries(context.retry, 'head', key, async () => {
    try {
      const [metadata] = await file.getMetadata();
      return {
        key,
        size: Number(metadata.size),
        crc32c: metadata.crc32c ?? '',
        generation: String(metadata.generation),
        createdMs: Date.parse(metadata.timeCreated ?? ''),
      };
    } catch (error) {
      if (statusOf(error) === 404 && !isBucketMissing(error)) return undefined;
      throw error;
    }
  });
}

async function get(
  context: Context,
  key: string,
  range: ByteRange | undefined,
  room?: (bytes: number) => Uint8Array,
): Promise<Uint8Array> {
  assertObjectKey(key);
  if (range?.length === 0) {
    // An empty range cannot be written as an HTTP range.
    const info = await head(context, key);
    if (info === undefined) throw objectMissing(key);
    if (range.offset > info.size) throw objectShort(key, range, info.size);
    return new Uint8Array(0);
  }
  return await withRetries(context.retry, 'get', key, async () => {
    const pieces: Uint8Array[] = [];
    try {
      const window = range === undefined ? {} : { first: range.offset, last: range.offset + range.length - 1 };
      const download = await openGcsDownload({ ...locate(context, key), ...window });
      for await (const piece of download.pieces) pieces.push(piece);
      const bytes = joined(pieces, room);
      if (range === undefined) download.requireWhole(bytes.length, crc32cBase64(bytes));
      else if (bytes.length !== range.length) throw objectShort(key, range, range.offset + bytes.length);
      return bytes;
    } catch (error) {
      // 416: the range begins at the end or later.
      if (range !== undefined && statusOf(error) === 416) throw objectShort(key, range, 0);
      throw error;
    }
  });
}

function joined(pieces: readonly Uint8Array[], room?: (bytes: number) => Uint8Array): Uint8Array {
  if (room === undefined) return Buffer.concat(pieces);
  const bytes = room(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function locate(context: Context, key: string): GcsDownloadRequest {
  const { client, isAuthenticated, bucket, root } = context;
  return { client, isAuthenticated, bucket: bucket.name, name: root + key, key };
}

/** A broken connection is taken up where it broke, at the same generation; the checksum is of the whole. */
async function* stream(context: Context, key: string): AsyncGenerator<Uint8Array> {
  assertObjectKey(key);
  const crc = new Crc32c();
  let at = 0;
  let first: GcsDownload | undefined;
  let failures = 0;
  for (;;) {
    const before = at;
    try {
      const resumed = at === 0 ? {} : { generation: first?.generation, first: at };
      const download = await openGcsDownload({ ...locate(context, key), ...resumed });
      if (at === 0) first = download;
      for await (const piece of download.pieces) {
        at += piece.length;
        crc.update(piece);
        yield piece;
      }
      first?.requireWhole(at, crc.base64());
      return;
    } catch (error) {
      // Progress starts the count anew: a long object may well meet several interruptions.
      failures = at > before ? 1 : failures + 1;
      await waitBeforeRetry(context.retry, failures, 'stream', key, error);
    }
  }
}

async function* list(context: Context, prefix: string): AsyncGenerator<ListedObject> {
  let pageToken: string | undefined;
  do {
    const [files, next] = await withRetries(context.retry, 'list', prefix, () =>
      context.bucket.getFiles({
        prefix: context.root + prefix,
        autoPaginate: false,
        maxResults: LIST_PAGE_OBJECTS,
        fields: 'items(name,size,crc32c),nextPageToken',
        ...(pageToken === undefined ? {} : { pageToken }),
      }),
    );
    // With `fields` the client hands out the items as they came, whatever its types say.
    for (const { name, size, crc32c } of files as unknown as { name: string; size: string; crc32c?: string }[])
      yield { key: name.slice(context.root.length), size: Number(size), ...(crc32c === undefined ? {} : { crc32c }) };
    pageToken = (next as { pageToken?: string } | null)?.pageToken;
  } while (pageToken !== undefined);
}

// ---- creating

async function create(
  context: Context,
  key: string,
  bytes: Uint8Array,
  announced: string | undefined,
): Promise<'created' | 'exists'> {
  const file = context.file(key);
  const crc32c = crc32cBase64(bytes);
  if (announced !== undefined && announced !== crc32c) throw objectMismatch(key, 'crc32c', announced, crc32c);
  return await withRetries(context.retry, 'create', key, async (attempt) => {
    try {
      await file.save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
        resumable: false,
        validation: false,
        preconditionOpts: { ifGenerationMatch: 0 },
        metadata: { contentType: 'application/octet-stream', crc32c },
      });
      return 'created';
    } catch (error) {
      if (statusOf(error) !== 412) throw error;
      if (attempt === 1) return 'exists';
      // An earlier attempt may have taken effect though its answer was lost. Ours or not, these bytes are there; other
      // bytes are not ours.
      const info = await head(context, key);
      return info?.size === bytes.length && info.crc32c === crc32c ? 'created' : 'exists';
    }
  });
}

async function createFrom(
  file: File,
  key: string,
  pieces: AsyncIterable<Uint8Array>,
  terms: StreamTerms,
): Promise<'created' | 'exists'> {
  const check = new StreamCheck(key, terms);
  const target = file.createWriteStream({
    resumable: true,
    validation: false,
    preconditionOpts: { ifGenerationMatch: 0 },
    metadata: {
      contentType: 'application/octet-stream',
      ...(terms.crc32c === undefined ? {} : { crc32c: terms.crc32c }),
    },
  });
  // The check stands before the upload's end: a mismatch breaks the upload off, and an unfinished one leaves no object.
  const checking = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      try {
        check.update(piece);
        done(null, piece);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        check.finish();
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  try {
    await pipeline(Readable.from(pieces), checking, target);
    return 'created';
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    if (statusOf(error) === 412) return 'exists';
    throw storageUnavailable('create', key, error);
  }
}

// ---- signed URLs

async function signUpload(context: Context, key: string, terms: UploadTerms): Promise<SignedRequest> {
  const contentType = 'application/octet-stream';
  const extensionHeaders = {
    'x-goog-if-generation-match': '0',
    'x-goog-hash': `crc32c=${terms.crc32c}`,
    'x-goog-content-length-range': `${terms.size},${terms.size}`,
  };
  const [url] = await signing(key, () =>
    context.file(key).getSignedUrl({
      version: 'v4',
      action: 'write',
      expires: expiry(context, terms.expiresMs),
      accessibleAt: new Date(context.clock.nowMs()),
      contentType,
      extensionHeaders,
    }),
  );
  return { method: 'PUT', url, headers: { 'content-type': contentType, ...extensionHeaders } };
}

async function signDownload(context: Context, key: string, terms: DownloadTerms): Promise<SignedRequest> {
  const [url] = await signing(key, () =>
    context.file(key).getSignedUrl({
      version: 'v4',
      action: 'read',
      expires: expiry(context, terms.expiresMs),
      accessibleAt: new Date(context.clock.nowMs()),
      ...(terms.filename === undefined ? {} : { responseDisposition: contentDisposition(terms.filename) }),
    }),
  );
  return { method: 'GET', url, headers: {} };
}

function expiry(context: Context, expiresMs: number): Date {
  return new Date(Math.min(expiresMs, context.clock.nowMs() + SIGNED_MS_MAX - 1000));
}

async function signing<T>(key: string, sign: () => Promise<T>): Promise<T> {
  try {
    return await sign();
  } catch (error) {
    throw error instanceof HoldfastError ? error : storageUnavailable('sign', key, error);
  }
}
