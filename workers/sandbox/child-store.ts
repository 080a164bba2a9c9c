/** The store as the sandbox child sees it: every read is a question to the parent, and there is nothing that writes. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { ErrorCode } from '../../core/base/errors.ts';
import { type BytesPlace, copyPlaced } from '../../core/base/placed-bytes.ts';
import type { ListedObject, ObjectInfo, ReadStore } from '../../core/storage/port.ts';
import type { Frame } from './frames.ts';
import { BODIES_DESCRIPTOR } from './limits.ts';
import type { ChildMessage, StoreAnswer } from './messages.ts';

const PIECE_BYTES = 4 * 1024 * 1024;

type Question<T = ChildMessage> = T extends { id: number } ? Omit<T, 'id'> : never;

export interface ChildStore extends ReadStore {
  /** For each frame of the parent that is no task. */
  answer(frame: Frame): void;
  /** A whole object: its bytes, or where any thread of this process can read them until they are released. @throws as get. */
  locate(key: string): Promise<Uint8Array | BytesPlace>;
  release(place: BytesPlace): void;
}

interface Answer {
  readonly value: unknown;
  readonly body: Uint8Array | BytesPlace;
}

export function createChildStore(send: (message: ChildMessage) => void): ChildStore {
  let nextId = 0;
  const open = new Map<number, { resolve: (answer: Answer) => void; reject: (e: Error) => void }>();

  const ask = (question: Question): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      open.set(id, { resolve, reject });
      send({ ...question, id });
    });
  const release = ({ at }: BytesPlace): void => send({ type: 'release', at });

  return {
    release,
    async locate(key) {
      return (await ask({ type: 'get', key, range: null })).body;
    },
    answer({ header, body }) {
      const answer = header as StoreAnswer; // the parent is trusted
      const waiting = open.get(answer.id);
      open.delete(answer.id);
      if (answer.ok) {
        const { value, placed } = answer;
        waiting?.resolve({
          value,
          body: placed === undefined ? body : { descriptor: BODIES_DESCRIPTOR, ...placed },
        });
      } else waiting?.reject(new HoldfastError(answer.code as ErrorCode, answer.message));
    },
    async head(key) {
      return ((await ask({ type: 'head', key })).value as ObjectInfo | null) ?? undefined;
    },
    async get(key, range) {
      const { body } = await ask({ type: 'get', key, range: range ?? null });
      if (body instanceof Uint8Array) return body;
      try {
        return copyPlaced(body);
      } finally {
        release(body);
      }
    },
    async *stream(key) {
      const info = await this.head(key);
      const size = info?.size ?? 0;
      if (info === undefined) yield await this.get(key); // says that it is missing, as every store does
      for (let offset = 0; offset < size; offset += PIECE_BYTES)
        yield await this.get(key, { offset, length: Math.min(PIECE_BYTES, size - offset) });
    },
    async *list(prefix) {
      yield* (await ask({ type: 'list', prefix: prefix as 'index/' })).value as ListedObject[];
    },
  };
}
