import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { crc32cBase64 } from '../base/crc32c.ts';
import { assertKeyPrefix, assertObjectKey } from './object-key.ts';
import type { ObjectInfo, ObjectStore } from './port.ts';
import { signDownloadUrl, signingMissing, signUploadUrl, type UrlSigning } from './signed-url.ts';
import { objectMismatch, objectMissing, objectShort } from './store-errors.ts';
import { StreamCheck } from './stream-check.ts';

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  readonly signing?: UrlSigning;
}

export interface MemoryStore extends ObjectStore {
  /** Test access: puts bytes in place as a failing disk would, past every check. */
  overwrite(key: string, bytes: Uint8Array): void;
  readonly objectCount: number;
}

const PIECE_BYTES = 1024 * 1024;

/** An object store in this process's memory, for tests. It keeps the promises of the port and passes the same suite. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const clock = options.clock ?? systemClock;
  const objects = new Map<string, { bytes: Uint8Array; generation: number; createdMs: number }>();
  let generation = 0;

  const place = (key: string, bytes: Uint8Array): void => {
    // A copy: the caller may reuse its buffer.
    objects.set(key, { bytes: Uint8Array.from(bytes), generation: ++generation, createdMs: clock.nowMs() });
  };
  const find = (key: string) => {
    assertObjectKey(key);
    const object = objects.get(key);
    if (object === undefined) throw objectMissing(key);
    return object;
  };

  return {
    async head(key): Promise<ObjectInfo | undefined> {
      assertObjectKey(key);
      const object = objects.get(key);
      if (object === undefined) return undefined;
      const { bytes, createdMs } = object;
      return { key, size: bytes.length, crc32c: crc32cBase64(bytes), generation: String(object.generation), createdMs };
    },
    async sizeOf(key) {
      assertObjectKey(key);
      return objects.get(key)?.bytes.length;
    },
    async get(key, range) {
      const { bytes } = find(key);
      if (range === undefined) return bytes.slice();
      if (range.offset + range.length > bytes.length) throw objectShort(key, range, bytes.length);
      return bytes.slice(range.offset, range.offset + range.length);
    },
    async *stream(key) {
      const { bytes } = find(key);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.slice(at, at + PIECE_BYTES);
    },
    async *list(prefix) {
      assertKeyPrefix(prefix);
      for (const key of [...objects.keys()].filter((name) => name.startsWith(prefix)).sort(undefined)) {
        const object = objects.get(key);
        if (object !== undefined) yield { key, size: object.bytes.length, crc32c: crc32cBase64(object.bytes) };
      }
    },
    async create(key, bytes, { crc32c } = {}) {
      assertObjectKey(key);
      if (crc32c !== undefined && crc32c !== crc32cBase64(bytes))
        throw objectMismatch(key, 'crc32c', crc32c, crc32cBase64(bytes));
      if (objects.has(key)) return 'exists';
      place(key, bytes);
      return 'created';
    },
    async createFrom(key, pieces, terms = {}) {
      assertObjectKey(key);
      const check = new StreamCheck(key, terms);
      const kept: Uint8Array[] = [];
      for await (const piece of pieces) {
        check.update(piece);
        kept.push(Uint8Array.from(piece));
      }
      check.finish();
      if (objects.has(key)) return 'exists';
      place(key, Buffer.concat(kept));
      return 'created';
    },
    async remove(key, wanted) {
      assertObjectKey(key);
      if (wanted === undefined || String(objects.get(key)?.generation) === wanted) objects.delete(key);
    },
    async signUpload(key, terms) {
      assertObjectKey(key);
      if (options.signing === undefined) throw signingMissing();
      return signUploadUrl(options.signing, key, terms);
    },
    async signDownload(key, terms) {
      assertObjectKey(key);
      if (options.signing === undefined) throw signingMissing();
      return signDownloadUrl(options.signing, key, terms);
    },
    overwrite: place,
    get objectCount() {
      return objects.size;
    },
  };
}
