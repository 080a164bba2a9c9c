/** Files that are read in every backup, changed or not, and hashed apart from the pipeline: the canary, and a seeded sample. */
import type { FolderListing } from '../../filesystem/folder-listing.ts';
import { displayPath } from '../../filesystem/scan.ts';
import type { WitnessFile } from '../types.ts';
import type { BackupOptions } from './backup.ts';
import type { FileResult } from './file-queue.ts';
import type { StreamPart } from './stream-source.ts';
import { WitnessSample } from './witness-sample.ts';

/** Why a file is read although it may be known. */
export interface WitnessRole {
  readonly isCanary: boolean;
  /** Of a candidate for the sample. */
  readonly rank: string | undefined;
}

const NONE: ReadonlyMap<number, WitnessRole> = new Map();

export class WitnessFiles {
  readonly #options: BackupOptions['witness'];
  readonly #sample: WitnessSample | undefined;
  readonly #found: (WitnessFile & { readonly rank: string | undefined })[] = [];

  constructor(options: BackupOptions['witness']) {
    this.#options = options;
    this.#sample = options === undefined ? undefined : new WitnessSample(options.seed, options.sampleCount);
  }

  /** Those among a folder's files, by their place; what streams bring has no witness. Each folder is to be shown once. */
  among(listing: FolderListing, streams: StreamPart | undefined): ReadonlyMap<number, WitnessRole> {
    if (this.#options === undefined) return NONE;
    const roles = new Map<number, WitnessRole>();
    for (let at = 0; at < listing.length; at += 1) {
      if (listing.kind(at) !== 'file' || streams?.below.get(listing.names[at]!)?.source !== undefined) continue;
      const full = listing.path(at);
      const isCanary = displayPath(full) === this.#options.canaryPath;
      const rank = isCanary ? undefined : this.#sample?.offer(full, listing.size(at));
      if (isCanary || rank !== undefined) roles.set(at, { isCanary, rank });
    }
    return roles;
  }

  /** A file with a role was read. */
  take(full: Buffer, { witness, kept }: FileResult, { isCanary, rank }: WitnessRole): void {
    if (witness === undefined || kept === undefined) return;
    const role = isCanary ? 'canary' : 'sample';
    this.#found.push({ path: displayPath(full), size: kept.facts.size, sha256: witness, role, rank });
  }

  /** When all were taken: the canary, and those candidates that are in the sample. */
  chosen(): WitnessFile[] {
    return this.#found
      .filter(({ rank }) => rank === undefined || this.#sample?.isChosen(rank) === true)
      .map(({ path, size, sha256, role }) => ({ path, size, sha256, role }));
  }
}
