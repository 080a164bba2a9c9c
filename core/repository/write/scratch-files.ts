/** Where packs are built: on the store's own disk, where the store knows one that has room, else among the temporary files. */
import { randomBytes } from 'node:crypto';
import { lstat, readdir, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ReadCreateStore } from '../../storage/port.ts';

const NAME = 'holdfast-pack-';
/** Bytes of packs that are open or wait for their upload at one time, at most. */
const ROOM_BYTES = 320 * 1024 * 1024;
/** No pack waits a day for its upload: what is older was left by a process that was killed. */
const KEPT_MS = 24 * 3600_000;

export class ScratchFiles {
  readonly folder: string;
  /** Names of this run's files begin so. */
  readonly prefix: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.prefix = `${NAME}${randomBytes(8).toString('hex')}-`;
  }

  /** Removes what killed processes left there. */
  static async open(store: ReadCreateStore, nowMs: number): Promise<ScratchFiles> {
    const scratch = new ScratchFiles(await folderWithRoom(store));
    await scratch.#remove(NAME, async (file) => nowMs - (await lstat(file)).mtimeMs > KEPT_MS);
    return scratch;
  }

  /** Removes what is left of this run's files. */
  async clear(): Promise<void> {
    await this.#remove(this.prefix, async () => true);
  }

  /** Best effort: somebody else's file in a shared folder is none of ours. */
  async #remove(prefix: string, isWanted: (file: string) => Promise<boolean>): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      if (!name.startsWith(prefix)) continue;
      const file = path.join(this.folder, name);
      if (await isWanted(file).catch(() => false)) await unlink(file).catch(() => undefined);
    }
  }
}

/** The store's own, unless its disk has no room left and that of the temporary files has. */
async function folderWithRoom(store: ReadCreateStore): Promise<string> {
  const own = await store.scratchFolder?.().catch(() => undefined);
  if (own === undefined) return tmpdir();
  const room = await roomIn(own);
  return room >= ROOM_BYTES || room >= (await roomIn(tmpdir())) ? own : tmpdir();
}

async function roomIn(folder: string): Promise<number> {
  const facts = await statfs(folder).catch(() => undefined);
  return facts === undefined ? 0 : facts.bavail * facts.bsize;
}
