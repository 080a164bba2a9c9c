/**
 * A scan that begins before anybody asks: while a password is made into a key, which takes another thread half a second, the
 * folders are looked at already. They are handed out in the order in which a walk asks for them: a folder, then each one in it.
 */
import type { FolderListing } from './folder-listing.ts';
import type { ScannedFolder, SourceScan } from './scan.ts';

/** Whoever waits for the event loop waits no longer than this. */
const SLICE_MS = 1;
/** Some 15 MiB of listings. */
const ENTRIES_AHEAD_MAX = 120_000;

interface Looked {
  readonly path: Buffer;
  readonly listing?: FolderListing | undefined;
  readonly error?: unknown;
}

export class ReadAhead {
  readonly scan: SourceScan;
  /** Read, and not asked for yet; the next is at `#next`. */
  #looked: (Looked | undefined)[] = [];
  #next = 0;
  #entries = 0;
  #isEnded = false;

  constructor(scan: SourceScan) {
    this.scan = scan;
  }

  /** Reads until somebody asks for the first folder, `end` is called, or enough is held. Never throws: `list` does, in its turn. */
  async run(nowMs: () => number = () => performance.now()): Promise<void> {
    const waiting: ScannedFolder[] = [];
    try {
      waiting.push(this.scan.root());
    } catch {
      return; // whoever asks for the root gets the error
    }
    while (waiting.length > 0 && !this.#isEnded && this.#entries < ENTRIES_AHEAD_MAX) {
      const endMs = nowMs() + SLICE_MS;
      while (waiting.length > 0 && this.#entries < ENTRIES_AHEAD_MAX && nowMs() < endMs) {
        if (!this.#look(waiting.pop()!, waiting)) return;
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** What `scan.list` answers for this folder; each folder is to be asked for once. @throws as `scan.list`. */
  list(folder: ScannedFolder): FolderListing | undefined {
    this.#isEnded = true;
    const looked = this.#looked[this.#next];
    if (looked === undefined || !looked.path.equals(folder.path)) return this.scan.list(folder);
    this.#looked[this.#next] = undefined; // its memory is the asker's now
    this.#next += 1;
    if ('error' in looked) throw looked.error;
    return looked.listing;
  }

  end(): void {
    this.#isEnded = true;
  }

  /** False when the scan is to end here: a source has failed. */
  #look(folder: ScannedFolder, waiting: ScannedFolder[]): boolean {
    const { path } = folder;
    try {
      const listing = this.scan.list(folder);
      this.#looked.push({ path, listing });
      if (listing === undefined) return true;
      this.#entries += listing.length;
      const below = Array.from(listing.folders(), (at) => listing.subfolder(at));
      for (const one of below.reverse()) waiting.push(one); // the last is looked at first
      return true;
    } catch (error) {
      this.#looked.push({ path, error });
      return false;
    }
  }
}
