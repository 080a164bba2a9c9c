/**
 * A repository behind restic's REST protocol (its manual, "REST backend", version 2), read with `fetch`: whatever serves a
 * repository to stock restic serves it to a browser. Reading only. Objects are asked for by range, never whole.
 */
import { concatBytes } from '../../base/bytes.ts';
import { HoldfastError } from '../../base/errors.ts';
import { assertKeyPrefix, assertObjectKey } from '../object-key.ts';
import type { ByteRange, ListedObject, ReadStore } from '../port.ts';
import { objectMissing, objectShort, storageUnavailable } from '../store-errors.ts';
import { webReadStore } from './web-object.ts';

export interface RestStoreOptions {
  /** Of the repository, with a slash at its end. */
  readonly url: string;
  /** Core opens no connection by itself. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Such as an Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

const LISTING = 'application/vnd.x.restic.rest.v2';
const TYPES = ['data', 'index', 'keys', 'locks', 'snapshots'] as const;
const NAME = /^[0-9a-f]{64}$/;

export function createRestStore({ url, fetch, headers = {} }: RestStoreOptions): ReadStore {
  const ask: Ask = async (path, { method = 'GET', headers: own = {} }) => {
    try {
      return await fetch(`${url}${path}`, { method, headers: { ...headers, ...own } });
    } catch (cause) {
      throw storageUnavailable(method, path, cause);
    }
  };
  return webReadStore({
    async sizeOf(key) {
      const answer = await ask(pathOf(key), { method: 'HEAD' });
      if (answer.status === 404) return undefined;
      const size = Number(answer.headers.get('content-length') ?? Number.NaN);
      if (!answer.ok || !Number.isSafeInteger(size)) throw refused(key, answer);
      return size;
    },
    read: async (key, range) => await readRange(ask, key, range),
    list: (prefix) => list(ask, prefix),
  });
}

/** Packs lie flat in this protocol: data/ab12…, not data/ab/ab12…. */
function pathOf(key: string): string {
  assertObjectKey(key);
  return key.replace(/^data\/[0-9a-f]{2}\//, 'data/');
}

type Ask = (
  path: string,
  terms: { readonly method?: 'GET' | 'HEAD'; readonly headers?: Readonly<Record<string, string>> },
) => Promise<Response>;

async function readRange(ask: Ask, key: string, { offset, length }: ByteRange): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  const range = `bytes=${offset}-${offset + length - 1}`;
  const answer = await ask(pathOf(key), { headers: { range } });
  if (answer.status === 404) throw objectMissing(key);
  if (answer.status === 416) throw objectShort(key, { offset, length }, 0);
  if (answer.status !== 206 && answer.status !== 200) throw refused(key, answer);
  // A server that knows no ranges gives all of it.
  const skip = answer.status === 206 ? 0 : offset;
  const bytes = await bodyOf(answer, key, skip, length);
  if (bytes.length !== length) throw objectShort(key, { offset, length }, bytes.length);
  return bytes;
}

/** Up to `length` bytes behind the first `skip`. Memory is taken as they arrive, for a length may be a mere claim. */
async function bodyOf(answer: Response, key: string, skip: number, length: number): Promise<Uint8Array> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let passed = 0;
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const from = Math.min(next.value.length, Math.max(0, skip - passed));
      const piece = next.value.subarray(from, from + length - size);
      passed += next.value.length;
      if (piece.length > 0) pieces.push(piece);
      size += piece.length;
      if (size < length) continue;
      await reader.cancel();
      break;
    }
  } catch (cause) {
    throw storageUnavailable('get', key, cause);
  }
  return concatBytes(pieces);
}

async function* list(ask: Ask, prefix: string): AsyncGenerator<ListedObject> {
  assertKeyPrefix(prefix);
  const found: ListedObject[] = [];
  for (const type of TYPES) {
    const folder = `${type}/`;
    if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) continue;
    const answer = await ask(folder, { headers: { accept: LISTING } });
    if (answer.status === 404) continue;
    if (!answer.ok) throw refused(folder, answer);
    for (const { name, size } of await listingOf(answer, folder)) {
      const key = type === 'data' ? `data/${name.slice(0, 2)}/${name}` : folder + name;
      if (key.startsWith(prefix)) found.push({ key, size });
    }
  }
  yield* found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Names that are no ids are left out: they are nothing of a repository's. */
async function listingOf(answer: Response, folder: string): Promise<{ name: string; size: number }[]> {
  let listing: unknown;
  try {
    listing = await answer.json();
  } catch (cause) {
    throw storageUnavailable('list', folder, cause);
  }
  if (listing === null) return [];
  if (!Array.isArray(listing)) throw refused(folder, answer);
  return listing.flatMap((entry: unknown) => {
    const { name, size } = (entry ?? {}) as { name?: unknown; size?: unknown };
    if (typeof name !== 'string' || !Number.isSafeInteger(size)) throw refused(folder, answer);
    return NAME.test(name) ? [{ name, size: size as number }] : [];
  });
}

function refused(key: string, answer: Response): HoldfastError {
  const isRight = answer.status === 401 || answer.status === 403;
  return isRight
    ? new HoldfastError('forbidden', 'The backup storage refused to show this. Check the address and the sign-in.', {
        detail: { key, status: answer.status },
      })
    : storageUnavailable('get', key, new Error(`the server answered ${answer.status}`));
}
