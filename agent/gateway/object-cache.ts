/**
 * Copies of repository metadata on this machine (key files, index, tree packs), so that a run downloads only what is new.
 * Every file is verified against its name before it is believed; a damaged one is dropped and fetched again. The cache can
 * be deleted at any time, and when the disk is full it is simply not written.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../../core/base/log.ts';
import type { ByteRange } from '../../core/storage/port.ts';
import { FILE_MODE, FOLDER_MODE } from '../state/atomic-file.ts';
import { stateFiles } from '../state/state-files.ts';

/** Content-named keys alone; `config` is not among them. */
const CACHEABLE = /^(?:keys|index|snapshots|data\/[0-9a-f]{2})\/([0-9a-f]{64})$/;

export class ObjectCache {
  readonly #root: string;
  readonly #log: Log;
  /** Verified since this process began. */
  readonly #verified = new Set<string>();
  #hasWarned = false;

  constructor(statePath: string, log: Log) {
    this.#root = stateFiles.cache(statePath);
    this.#log = log;
  }

  static isCacheable(key: string): boolean {
    return CACHEABLE.test(key);
  }

  /** Undefined when it is not there, or was damaged and has been dropped. */
  async get(key: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(key);
    try {
      if (!this.#verified.has(key)) {
        if ((await hashOfFile(path)) !== idOf(key)) {
          this.#log.warn({ key }, 'a cached file was damaged; it is fetched again');
          await rm(path, { force: true });
          return undefined;
        }
        this.#verified.add(key);
      }
      return range === undefined ? await readFile(path) : await readRange(path, range);
    } catch {
      // Not there, not readable, cut short since: the server has it.
      this.#verified.delete(key);
      return undefined;
    }
  }

  /** Best effort. The bytes have been verified by the caller. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(key);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
      await writeFile(temporary, bytes, { mode: FILE_MODE, flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (!this.#hasWarned) this.#log.warn({ err: error }, 'the cache cannot be written; backups go on without it');
      this.#hasWarned = true;
    }
  }

  async drop(key: string): Promise<void> {
    this.#verified.delete(key);
    await rm(this.#pathOf(key), { force: true });
  }

  /** Removes every file of a folder (`index`, `data`, …) whose key is not wanted any more, and left-over temporary ones. */
  async keepOnly(folder: 'index' | 'data' | 'snapshots', wanted: ReadonlySet<string>): Promise<void> {
    let names: string[];
    try {
      names = await readdir(join(this.#root, folder), { recursive: true });
    } catch {
      return;
    }
    for (const name of names) {
      const key = `${folder}/${name}`;
      const isFile = CACHEABLE.test(key) || name.endsWith('.tmp');
      if (isFile && !wanted.has(key)) await rm(join(this.#root, key), { force: true });
    }
  }

  #pathOf(key: string): string {
    // Keys come from a closed pattern, so that no name of a server leads out of the folder.
    if (!CACHEABLE.test(key)) throw new Error(`not a cacheable key: ${key}`);
    return join(this.#root, key);
  }
}

function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function readRange(path: string, range: ByteRange): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(range.length);
    const { bytesRead } = await file.read(bytes, 0, range.length, range.offset);
    if (bytesRead !== range.length) throw new Error('cut short');
    return bytes;
  } finally {
    await file.close();
  }
}
