/**
 * Objects as plain files: the key is the path. A vault's folder is therefore a local restic repository that stock restic
 * opens, and a local restic repository is a store. An object becomes visible only when it is whole and durable: it is
 * written to `.tmp`, synced, and then linked under its name, which fails when the name is taken.
 */
import { randomBytes } from 'node:crypto';
import { constants, createReadStream, type Dirent } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { Crc32c, crc32cBase64 } from '../base/crc32c.ts';
import { HoldfastError } from '../base/errors.ts';
import { createDirectorySync } from './directory-sync.ts';
import { assertKeyPrefix, assertObjectKey, isKeySegment } from './object-key.ts';
import type {
  ByteRange,
  FileCreateStore,
  ListedObject,
  ObjectInfo,
  ObjectStore,
  ScratchStore,
  StreamTerms,
} from './port.ts';
import { signDownloadUrl, signingMissing, signUploadUrl, type UrlSigning } from './signed-url.ts';
import { diskFull, objectMismatch, objectMissing, objectShort, storageUnavailable } from './store-errors.ts';
import { createStoreFolder, type StoreFolder } from './store-folder.ts';
import { StreamCheck } from './stream-check.ts';

export interface FileStoreOptions {
  /** Absolute path. Made at the first create. */
  readonly root: string;
  /** Needed for signed URLs alone; the gateway serves them. */
  readonly signing?: UrlSigning;
  readonly clock?: Clock;
}

const TEMPORARY_FOLDER = '.tmp';
/** No upload takes a day: what is older was left by a crash. */
const TEMPORARY_KEPT_MS = 24 * 3600_000;
const PIECE_BYTES = 1024 * 1024;
const LIST_STATS_AT_ONCE = 64;
/** restic writes beside the final name as `<name>-tmp-<digits>`. */
const RESTIC_TEMPORARY = /-tmp-\d+$/;

export function createFileStore(options: FileStoreOptions): ObjectStore & ScratchStore & FileCreateStore {
  const { root } = options;
  const syncDirectory = createDirectorySync();
  const folder = createStoreFolder(root, syncDirectory);
  const place = createPlacer(root, folder, syncDirectory, options.clock ?? systemClock);

  return {
    async head(key): Promise<ObjectInfo | undefined> {
      const handle = await openObject(folder, key).catch(undefinedWhenMissing);
      if (handle === undefined) return undefined;
      return await withHandle(handle, 'head', key, async () => {
        const facts = await handle.stat({ bigint: true });
        const crc = new Crc32c();
        let size = 0;
        for await (const piece of pieces(handle)) {
          crc.update(piece);
          size += piece.length;
        }
        return { key, size, crc32c: crc.base64(), generation: generationOf(facts), createdMs: Number(facts.mtimeMs) };
      });
    },
    async sizeOf(key) {
      const handle = await openObject(folder, key).catch(undefinedWhenMissing);
      return handle && (await withHandle(handle, 'sizeOf', key, async () => (await handle.stat()).size));
    },
    async get(key, range, room = Buffer.allocUnsafeSlow) {
      const handle = await openObject(folder, key);
      return await withHandle(handle, 'get', key, () => readRange(handle, key, range, room));
    },
    async *stream(key) {
      const handle = await openObject(folder, key);
      try {
        yield* pieces(handle);
      } catch (error) {
        throw error instanceof HoldfastError ? error : storageUnavailable('stream', key, error);
      } finally {
        await handle.close();
      }
    },
    list(prefix) {
      assertKeyPrefix(prefix);
      const slash = prefix.lastIndexOf('/');
      return listFolder(folder, root, prefix.slice(0, slash + 1), prefix.slice(slash + 1));
    },
    async create(key, bytes, { crc32c } = {}) {
      assertObjectKey(key);
      if (crc32c !== undefined) {
        const found = crc32cBase64(bytes);
        if (found !== crc32c) throw objectMismatch(key, 'crc32c', crc32c, found);
      }
      const write = (handle: FileHandle): Promise<void> => handle.writeFile(bytes);
      try {
        return await place.written(key, write);
      } catch (error) {
        // A folder that was seen before has vanished; these bytes are still at hand, so it is made anew.
        if (!(error instanceof HoldfastError) || codeOf(error.cause) !== 'ENOENT') throw error;
        return await place.written(key, write);
      }
    },
    async createFrom(key, source, terms: StreamTerms = {}) {
      assertObjectKey(key);
      return await place.written(key, async (handle) => {
        const check = new StreamCheck(key, terms);
        for await (const piece of source) {
          check.update(piece);
          await handle.writeFile(piece);
        }
        check.finish();
      });
    },
    async scratchFolder() {
      return await place.temporaryFolder();
    },
    async createFromFile(key, path, { crc32c, size }) {
      assertObjectKey(key);
      try {
        const found = (await lstat(path)).size;
        if (found !== size) throw objectMismatch(key, 'size', size, found);
        return await place.finished(key, path);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw storageUnavailable('create', key, error);
        // On another disk after all: then it is copied.
        if (codeOf(error.cause) !== 'EXDEV') throw error;
        const terms: StreamTerms = crc32c === undefined ? { size } : { size, crc32c };
        return await this.createFrom(key, createReadStream(path), terms);
      }
    },
    async remove(key, generation) {
      assertObjectKey(key);
      try {
        if (!(await folder.hasFolder(key))) return;
        if (generation !== undefined) {
          const facts = await lstat(folder.pathOf(key), { bigint: true });
          if (generationOf(facts) !== generation) return;
        }
        await unlink(folder.pathOf(key));
        await syncDirectory(folder.folderOf(key));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error instanceof HoldfastError ? error : storageUnavailable('remove', key, error);
      }
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
  };
}

// ---- reading

async function openObject(folder: StoreFolder, key: string): Promise<FileHandle> {
  assertObjectKey(key);
  let handle: FileHandle | undefined;
  try {
    if (!(await folder.hasFolder(key))) throw objectMissing(key);
    handle = await open(folder.pathOf(key), constants.O_RDONLY | constants.O_NOFOLLOW);
    if ((await handle.stat()).isFile()) return handle;
    throw objectMissing(key);
  } catch (error) {
    await handle?.close();
    if (error instanceof HoldfastError) throw error;
    // A link under an object's name is no object: ELOOP by O_NOFOLLOW.
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(codeOf(error))) throw objectMissing(key, error);
    throw storageUnavailable('open', key, error);
  }
}

async function withHandle<T>(handle: FileHandle, action: string, key: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw error instanceof HoldfastError ? error : storageUnavailable(action, key, error);
  } finally {
    await handle.close();
  }
}

async function readRange(
  handle: FileHandle,
  key: string,
  range: ByteRange | undefined,
  room: (bytes: number) => Uint8Array,
): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const wanted = range ?? { offset: 0, length: size };
  if (wanted.offset + wanted.length > size) throw objectShort(key, wanted, size);
  const bytes = room(wanted.length);
  let done = 0;
  while (done < wanted.length) {
    const { bytesRead } = await handle.read(bytes, done, wanted.length - done, wanted.offset + done);
    if (bytesRead === 0) throw objectShort(key, wanted, wanted.offset + done);
    done += bytesRead;
  }
  return bytes;
}

async function* pieces(handle: FileHandle): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (;;) {
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Byte order of whole keys: a folder sorts as its name with the slash (`a-b` before `a/c`, for `-` is below `/`). */
async function* listFolder(
  folder: StoreFolder,
  root: string,
  parent: string,
  start: string,
): AsyncGenerator<ListedObject> {
  if (!(await folder.hasFolder(`${parent}x`))) return;
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, parent), { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw storageUnavailable('list', parent, error);
  }
  const sorted = entries
    .filter((entry) => entry.name.startsWith(start) && isKeySegment(entry.name) && !RESTIC_TEMPORARY.test(entry.name))
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ isFolder: entry.isDirectory(), key: parent + entry.name + (entry.isDirectory() ? '/' : '') }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  for (let from = 0; from < sorted.length; from += LIST_STATS_AT_ONCE) {
    const slice = sorted.slice(from, from + LIST_STATS_AT_ONCE);
    const sizes = await Promise.all(
      slice.map(async (entry) => (entry.isFolder ? 0 : await sizeOf(join(root, entry.key)))),
    );
    for (const [at, entry] of slice.entries()) {
      const size = sizes[at];
      if (entry.isFolder) yield* listFolder(folder, root, entry.key, '');
      // Undefined: removed since the folder was read.
      else if (size !== undefined) yield { key: entry.key, size };
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw storageUnavailable('list', path, error);
  }
}

// ---- creating

type Placed = 'created' | 'exists';

interface Placer {
  /** Under the final name, what `write` puts into a file. */
  written(key: string, write: (handle: FileHandle) => Promise<void>): Promise<Placed>;
  /** Under the final name, a file that is finished. @throws with cause EXDEV when it lies on another disk. */
  finished(key: string, path: string): Promise<Placed>;
  temporaryFolder(): Promise<string>;
}

function createPlacer(
  root: string,
  folder: StoreFolder,
  syncDirectory: (directory: string) => Promise<void>,
  clock: Clock,
): Placer {
  const temporaryFolder = join(root, TEMPORARY_FOLDER);
  let ready: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });
    await dropOldTemporaries(temporaryFolder, clock.nowMs());
  };

  const explain = (error: unknown, key: string): HoldfastError =>
    ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error))
      ? diskFull(root, error)
      : storageUnavailable('create', key, error);

  /** `make` gives the path of a file that is whole and durable, and which is not needed any more afterwards. */
  const placeOnce = async (key: string, make: () => Promise<string>): Promise<Placed> => {
    ready ??= prepare();
    await ready;
    await folder.makeFolder(key);
    const final = folder.pathOf(key);
    const exists = async (): Promise<'exists'> => {
      // Whoever placed it may not have synced the folder yet, and our caller takes 'exists' for durable.
      await syncDirectory(folder.folderOf(key));
      return 'exists';
    };
    // The name decides in the end; looking first spares writing what is there already.
    if (await isTaken(final)) return await exists();
    const temporary = await make();
    try {
      if (!(await linkExclusively(temporary, final))) return await exists();
      await syncDirectory(folder.folderOf(key));
      return 'created';
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  };

  const place: typeof placeOnce = async (key, make) => {
    try {
      return await placeOnce(key, make);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      // The next attempt looks at the disk afresh: folders may have been removed.
      ready = undefined;
      folder.forget();
      throw explain(error, key);
    }
  };

  return {
    written: (key, write) =>
      place(key, async () => {
        const temporary = join(temporaryFolder, randomBytes(12).toString('hex'));
        const handle = await open(temporary, 'wx', 0o600);
        try {
          await write(handle);
          await finish(handle);
        } catch (error) {
          await unlink(temporary).catch(() => undefined);
          throw error;
        } finally {
          await handle.close();
        }
        return temporary;
      }),
    finished: (key, path) =>
      place(key, async () => {
        // A link of its own: whoever made the file may remove its name at any time.
        const temporary = join(temporaryFolder, randomBytes(12).toString('hex'));
        if (!(await linkExclusively(path, temporary))) throw new Error('a random name was taken');
        const handle = await open(temporary, constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          await finish(handle);
        } finally {
          await handle.close();
        }
        return temporary;
      }),
    async temporaryFolder() {
      try {
        ready ??= prepare();
        await ready;
        return temporaryFolder;
      } catch (error) {
        ready = undefined;
        throw explain(error, TEMPORARY_FOLDER);
      }
    },
  };
}

/** Read-only, as restic leaves its files (a slip of the hand does not change a backup), and durable. */
async function finish(handle: FileHandle): Promise<void> {
  await handle.chmod(0o400);
  await handle.sync();
}

/** True when this call gave the file its name. */
async function linkExclusively(temporary: string, final: string): Promise<boolean> {
  try {
    await link(temporary, final);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error;
  }
  // exFAT and some network shares have no hard links. Between the look and the rename another process could place the same
  // name; its bytes would be the same, for names are hashes of contents.
  if (await isTaken(final)) return false;
  await rename(temporary, final);
  return true;
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function dropOldTemporaries(temporaryFolder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(temporaryFolder)) {
    const path = join(temporaryFolder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts !== undefined && nowMs - facts.mtimeMs > TEMPORARY_KEPT_MS) await unlink(path).catch(() => undefined);
  }
}

function generationOf(facts: { ino: bigint; mtimeNs: bigint; size: bigint }): string {
  return `${facts.ino}.${facts.mtimeNs}.${facts.size}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? '';
}

function undefinedWhenMissing(error: unknown): undefined {
  if (error instanceof HoldfastError && error.code === 'object_missing') return undefined;
  throw error;
}
