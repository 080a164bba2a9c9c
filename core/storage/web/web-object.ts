/** What the read-only stores of a browser have in common: whole objects in pieces, and what `head` says of them. */
import { Crc32c } from '../../base/crc32c.ts';
import { objectMissing } from '../store-errors.ts';
import type { ByteRange, ListedObject, ObjectInfo, ReadStore } from '../port.ts';

const PIECE_BYTES = 1024 * 1024;

/** The least that such a store must know of its objects. */
export interface WebObjects {
  /** Undefined when there is no such object. */
  sizeOf(key: string): Promise<number | undefined>;
  /** @throws as ReadStore.get. */
  read(key: string, range: ByteRange): Promise<Uint8Array>;
  list(prefix: string): AsyncIterable<ListedObject>;
}

export function webReadStore(objects: WebObjects): ReadStore {
  const sizeOf = async (key: string): Promise<number> => {
    const size = await objects.sizeOf(key);
    if (size === undefined) throw objectMissing(key);
    return size;
  };
  async function* stream(key: string): AsyncGenerator<Uint8Array> {
    const size = await sizeOf(key);
    for (let offset = 0; offset < size; offset += PIECE_BYTES)
      yield await objects.read(key, { offset, length: Math.min(PIECE_BYTES, size - offset) });
  }
  return {
    async head(key): Promise<ObjectInfo | undefined> {
      const size = await objects.sizeOf(key);
      if (size === undefined) return undefined;
      const crc = new Crc32c();
      for await (const piece of stream(key)) crc.update(piece);
      return { key, size, crc32c: crc.base64(), generation: crc.base64(), createdMs: 0 };
    },
    async get(key, range) {
      return await objects.read(key, range ?? { offset: 0, length: await sizeOf(key) });
    },
    stream,
    list: (prefix) => objects.list(prefix),
  };
}
