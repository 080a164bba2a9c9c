/**
 * The device's vault as an object store: creates by leased uploads, reads by signed downloads and a local cache. It can
 * neither overwrite nor delete, for the gateway gives no such grant.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import type { ManifestObject } from '../../core/protocol/manifest.ts';
import type { UploadGrant } from '../../core/protocol/messages.ts';
import type { ByteRange, CreateOptions, ListedObject, ObjectInfo, ReadCreateStore } from '../../core/storage/port.ts';
import { FOLDER_MODE } from '../state/atomic-file.ts';
import { backoffMs } from './backoff.ts';
import { createBatcher } from './batcher.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type HttpAnswer, TransportError } from './http-transfer.ts';
import { createLimit } from './limit.ts';
import { ObjectCache } from './object-cache.ts';
import { isTransient, refusalError, retryAfterOf } from './refusal-error.ts';
import { uploadObject } from './upload-object.ts';

export interface GatewayStoreOptions {
  readonly client: GatewayClient;
  readonly cache: ObjectCache;
  /** The run that uploads belong to; without one nothing can be created. */
  readonly runId?: string;
  /** Permission to read data packs. */
  readonly grantId?: string;
  readonly signal?: AbortSignal;
  /** Where packs are built: /tmp may be small, or memory. */
  readonly scratchFolder?: string;
  /** How long one transfer is repeated while the network or the store is away. */
  readonly retryForMs?: number;
  /** Called before a pack is sent: whoever is killed before the answer comes still knows what to ask the server for. */
  readonly onPack?: (object: ManifestObject, bytes: Uint8Array) => Promise<void>;
}

/** The protocol's limits for one request. */
const LEASE_OBJECTS_MAX = 64;
const READ_KEYS_MAX = 256;
const GATHER_MS = 4;
const UPLOADS_MAX = 6;
const RETRY_FOR_MS = 60 * 60_000;
/** A URL that is about to expire is not begun with. */
const URL_MARGIN_MS = 30_000;
const LISTS: Readonly<Record<string, 'keys' | 'index' | 'snapshots'>> = {
  'keys/': 'keys',
  'index/': 'index',
  'snapshots/': 'snapshots',
};

interface Download {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly size: number;
  readonly expiresMs: number;
}

export class GatewayStore implements ReadCreateStore {
  readonly #options: GatewayStoreOptions;
  readonly #retryForMs: number;
  readonly #upload = createLimit(UPLOADS_MAX);
  readonly #downloads = new Map<string, Download>();
  /** Whole objects on their way, so that two readers of one key cause one download. */
  readonly #fetching = new Map<string, Promise<Uint8Array>>();
  readonly #leases = createBatcher<ManifestObject, UploadGrant>(
    { itemsMax: LEASE_OBJECTS_MAX, gatherMs: GATHER_MS },
    (objects) => this.leaseAll(objects),
  );
  readonly #reads = createBatcher<string, Download | 'missing'>(
    { itemsMax: READ_KEYS_MAX, gatherMs: GATHER_MS },
    (keys) => this.#requestReads(keys),
  );

  constructor(options: GatewayStoreOptions) {
    this.#options = options;
    this.#retryForMs = options.retryForMs ?? RETRY_FOR_MS;
  }

  async scratchFolder(): Promise<string> {
    const { scratchFolder = tmpdir() } = this.#options;
    await mkdir(scratchFolder, { recursive: true, mode: FOLDER_MODE });
    return scratchFolder;
  }

  async create(key: string, bytes: Uint8Array, options: CreateOptions = {}): Promise<'created' | 'exists'> {
    const object: ManifestObject = {
      key,
      kind: options.kind ?? kindOfKey(key),
      size: bytes.length,
      crc32c: options.crc32c ?? crc32cBase64(bytes),
    };
    const { client, signal } = this.#options;
    if (key.startsWith('data/')) await this.#options.onPack?.(object, bytes);
    await this.#upload(async () =>
      uploadObject({
        client,
        object,
        bytes,
        signal,
        grant: await this.#leases.add(object),
        renew: () => this.#leases.add(object),
        retryForMs: this.#retryForMs,
      }),
    );
    // The next run reads index and trees: it finds them here.
    if (object.kind !== 'data_pack') await this.#options.cache.put(key, bytes);
    // Where the name was taken, the server has compared size and checksum: these very bytes are there, durable.
    return 'created';
  }

  /** Leases for at most 64 objects, in their order. */
  async leaseAll(objects: readonly ManifestObject[]): Promise<UploadGrant[]> {
    const { client, runId, signal } = this.#options;
    if (runId === undefined) throw new HoldfastError('forbidden', 'Nothing can be stored outside of a backup run.');
    const answer = await client.lease(runId, { objects: [...objects] }, { signal });
    const byKey = new Map(answer.uploads.map((grant) => [grant.key, grant]));
    return objects.map(({ key }) => {
      const grant = byKey.get(key);
      if (grant === undefined) throw new HoldfastError('internal', 'The server left an object out of its lease.');
      return grant;
    });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const bytes = await this.get(key);
      // Content-named and create-only: the name is the generation. When it was created, only the server knows.
      return { key, size: bytes.length, crc32c: crc32cBase64(bytes), generation: key, createdMs: 0 };
    } catch (error) {
      if (isHoldfastError(error, 'object_missing')) return undefined;
      throw error;
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    const { cache, grantId } = this.#options;
    const isPack = key.startsWith('data/');
    if (!ObjectCache.isCacheable(key)) return await this.#fetch(key, range);
    const cached = await cache.get(key, range);
    if (cached !== undefined) return cached;
    // Without a grant the gateway gives out no data packs, so that a pack that is asked for holds trees: worth keeping whole.
    if (isPack && grantId !== undefined) return await this.#fetch(key, range);
    const whole = await this.#fetchWhole(key);
    if (range === undefined) return whole;
    if (range.offset + range.length > whole.length) throw tooShort(key);
    return whole.subarray(range.offset, range.offset + range.length);
  }

  async *stream(key: string): AsyncIterable<Uint8Array> {
    const { size } = await this.#downloadOf(key);
    const pieceBytes = 4 * 1024 * 1024;
    for (let offset = 0; offset < size; offset += pieceBytes)
      yield await this.get(key, { offset, length: Math.min(pieceBytes, size - offset) });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    const list = LISTS[prefix];
    if (list === undefined) throw new HoldfastError('forbidden', 'A machine cannot list the contents of its vault.');
    const { client, grantId, signal } = this.#options;
    const answer = await client.reads({ keys: [], list, grantId: grantId ?? null }, { signal });
    const objects = answer.downloads.map(({ key, url, headers, size }) => {
      this.#downloads.set(key, { url, headers, size, expiresMs: answer.expiresMs });
      return { key, size };
    });
    yield* objects.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #fetchWhole(key: string): Promise<Uint8Array> {
    const known = this.#fetching.get(key);
    if (known !== undefined) return known;
    const fetching = this.#fetchVerified(key).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  /** Damaged bytes are handed on as they are, not kept: the reader verifies each piece and takes what is intact. */
  async #fetchVerified(key: string): Promise<Uint8Array> {
    const id = key.slice(key.lastIndexOf('/') + 1);
    let bytes = new Uint8Array();
    for (let attempt = 0; attempt < 2; attempt++) {
      bytes = Uint8Array.from(await this.#fetch(key));
      if (createHash('sha256').update(bytes).digest('hex') === id) {
        await this.#options.cache.put(key, bytes);
        break;
      }
    }
    return bytes;
  }

  async #fetch(key: string, range?: ByteRange): Promise<Uint8Array> {
    const { client, signal } = this.#options;
    let waitedMs = 0;
    let refusals = 0;
    for (let attempt = 0; ; attempt++) {
      const download = await this.#downloadOf(key);
      const failure = await this.#tryFetch(key, download, range);
      if (failure instanceof Uint8Array) return failure;
      this.#downloads.delete(key);
      if (failure.code === 'forbidden' && refusals++ < 2) continue; // an expired URL: the next one is fresh
      if (!isTransient(failure)) throw failure;
      const waitMs = backoffMs(attempt, retryAfterOf(failure), client.waiting.random);
      if (waitedMs + waitMs > this.#retryForMs) throw failure;
      waitedMs += waitMs;
      await client.waiting.sleep(waitMs, signal);
    }
  }

  async #tryFetch(key: string, download: Download, range?: ByteRange): Promise<Uint8Array | HoldfastError> {
    const { offset, length } = range ?? { offset: 0, length: download.size };
    if (offset + length > download.size) throw tooShort(key);
    const headers =
      range === undefined ? download.headers : { ...download.headers, range: `bytes=${offset}-${offset + length - 1}` };
    let answer: HttpAnswer;
    try {
      answer = await this.#options.client.transfer.exchange({
        method: 'GET',
        url: download.url,
        headers,
        signal: this.#options.signal,
        responseBytesMax: Math.max(length, 64 * 1024),
        pace: this.#options.client.speed,
      });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return unreachable(download.url, error);
    }
    if (answer.status === 404) throw missing(key);
    if (answer.status === 416) throw tooShort(key);
    if (answer.status === 401 || answer.status === 403) return refusalAs('forbidden', answer, download.url);
    if (answer.status !== 200 && answer.status !== 206) return refusalError(answer, new URL(download.url).origin);
    if (answer.body.length !== length) throw tooShort(key);
    return answer.body;
  }

  async #downloadOf(key: string): Promise<Download> {
    const known = this.#downloads.get(key);
    if (known !== undefined && known.expiresMs - URL_MARGIN_MS > this.#options.client.nowMs()) return known;
    const answer = await this.#reads.add(key);
    if (answer === 'missing') throw missing(key);
    return answer;
  }

  async #requestReads(keys: readonly string[]): Promise<(Download | 'missing')[]> {
    const { client, grantId, signal } = this.#options;
    const unique = [...new Set(keys)];
    const answer = await client.reads({ keys: unique, list: null, grantId: grantId ?? null }, { signal });
    for (const { key, url, headers, size } of answer.downloads)
      this.#downloads.set(key, { url, headers, size, expiresMs: answer.expiresMs });
    const given = new Set(answer.downloads.map(({ key }) => key));
    return keys.map((key) => (given.has(key) ? (this.#downloads.get(key) ?? 'missing') : 'missing'));
  }
}

/** Packs say themselves what they hold; for the others the folder tells. */
function kindOfKey(key: string): ManifestObject['kind'] {
  if (key.startsWith('index/')) return 'index';
  if (key.startsWith('snapshots/')) return 'snapshot';
  throw new HoldfastError('internal', `The kind of ${key} is not known, so that it cannot be leased.`);
}

function missing(key: string): HoldfastError {
  return new HoldfastError('object_missing', `The vault does not hold ${key}, or not for this machine to read.`);
}

function tooShort(key: string): HoldfastError {
  return new HoldfastError('object_mismatch', `The stored object ${key} is shorter than it should be.`);
}

function refusalAs(code: 'forbidden', answer: HttpAnswer, url: string): HoldfastError {
  const refused = refusalError(answer, new URL(url).origin);
  return new HoldfastError(code, refused.message, { detail: refused.detail, cause: refused });
}

function unreachable(url: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'storage_unavailable',
    `The storage at ${new URL(url).host} cannot be reached. Existing backups are not affected; try again later.`,
    { cause, detail: { isTransient: true } },
  );
}
