/**
 * Which files a drill restores and what its findings mean: pure and seeded, so that the plan of any drill can be made again
 * from its record. A level 3 drill compares restored files with hashes that the agent took while it read the originals.
 */

export interface WitnessEntry {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly role: 'canary' | 'sample' | 'dump';
}

export const DRILL_LIMITS = {
  /** Bytes that a drill of a sample restores at most: the sample proves the chain, it is no full restore. */
  sampleBytesMax: 2 * 1024 ** 3,
  /** Wall clock of the restoring process, and so many milliseconds more for each MiB that is planned. */
  wallClockMs: 10 * 60_000,
  wallClockMsPerMiB: 200,
  /** Whatever is planned: the job itself has two hours. */
  wallClockMsMax: 100 * 60_000,
  /** Restores of a source in a row whose process hung, died or wanted more than it may have, before that counts as a failure. */
  breakdownsMax: 3,
} as const;

/** What is known of earlier backups and drills of the source, by path. */
export interface SampleHistory {
  /** Other contents than in the restore point before, or not in it. */
  readonly changed: ReadonlySet<string>;
  /** Did not come back in an earlier drill, or not as it was. */
  readonly failed: ReadonlySet<string>;
}

export const NO_HISTORY: SampleHistory = { changed: new Set(), failed: new Set() };

/** How much likelier than a plain file that was not touched. */
export const SAMPLE_WEIGHTS = { dump: 10, failed: 10, changed: 3, fragile: 3 } as const;

/** Formats that half a file makes worthless: databases, archives, mail stores, disk images, office files. */
const FRAGILE =
  /\.(?:7z|accdb|bak|bz2|db3?|dbf|docx?|dump|edb|f?db|gz|img|iso|kdbx|mdb|mdf|nsf|odb|ods|odt|ost|ova|pdf|pptx?|pst|qbw|qcow2|raw|sqlite3?|sql|tar|tgz|vdi|vhdx?|vmdk|xlsx?|xz|zip|zst)$/i;

/** The chance of a file to be in the sample, beside one of weight 1. A large file has more places where it can break. */
export function sampleWeight(
  { path, size, role }: Pick<WitnessEntry, 'path' | 'size' | 'role'>,
  history: SampleHistory,
): number {
  const large = 1 + Math.max(0, Math.log2(size / 2 ** 20)) / 4;
  return (
    large *
    (role === 'dump' ? SAMPLE_WEIGHTS.dump : 1) *
    (history.failed.has(path) ? SAMPLE_WEIGHTS.failed : 1) *
    (history.changed.has(path) ? SAMPLE_WEIGHTS.changed : 1) *
    (FRAGILE.test(path) ? SAMPLE_WEIGHTS.fragile : 1)
  );
}

export interface DrillPlan {
  /** Canary first, then the rest by path. */
  readonly files: readonly WitnessEntry[];
  readonly bytes: number;
  /** Witness files that the size limit left out of this drill. */
  readonly leftOut: number;
}

export interface DrillPlanOptions {
  readonly seed: string;
  readonly sampleFiles: number;
  readonly bytesMax?: number;
  /** full: every file that a witness tells of. */
  readonly scope?: 'sample' | 'full';
  /** From 4 on every dump that fits is taken, beside the sample: it is what the application opens. */
  readonly level?: number;
  readonly history?: SampleHistory;
  /** Files and folders that deeper looks need: taken as dumps are. */
  readonly needed?: readonly string[];
}

/**
 * Every canary, and a sample of `sampleFiles` of the rest, drawn without replacement by `seed`, each by its weight. A file
 * that would pass the byte limit is skipped for the next one drawn, so that one huge file does not empty the sample.
 */
export function planDrill(witness: readonly WitnessEntry[], options: DrillPlanOptions): DrillPlan {
  const { seed, sampleFiles, scope = 'sample', level = 3, history = NO_HISTORY, needed = [] } = options;
  const bytesMax = scope === 'full' ? Number.POSITIVE_INFINITY : (options.bytesMax ?? DRILL_LIMITS.sampleBytesMax);
  // By path, each once: the drawing must depend on the set and the seed, not on the order in which the agent listed it.
  const byPath = new Map(witness.map((entry) => [entry.path, entry]));
  const ordered = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const canaries = ordered.filter((entry) => entry.role === 'canary');
  const random = seededRandom(seed);
  // Efraimidis and Spirakis: the largest u^(1/weight) first is a drawing without replacement by weight.
  const drawn = ordered
    .filter((entry) => entry.role !== 'canary')
    .map((entry) => ({ entry, place: Math.log(1 - random()) / sampleWeight(entry, history) }))
    .sort((a, b) => b.place - a.place)
    .map(({ entry }) => entry);
  const isNeeded = (path: string): boolean => needed.some((one) => path === one || path.startsWith(`${one}/`));
  const isAlways = (entry: WitnessEntry): boolean =>
    scope === 'full' || (level >= 4 && entry.role === 'dump') || isNeeded(entry.path);
  const taken: WitnessEntry[] = [];
  let bytes = canaries.reduce((sum, entry) => sum + entry.size, 0);
  let leftOut = 0;
  let sampled = 0;
  for (const entry of [...drawn.filter(isAlways), ...drawn.filter((one) => !isAlways(one))]) {
    if (!isAlways(entry) && sampled === sampleFiles) break;
    if (bytes + entry.size > bytesMax) {
      leftOut++;
      continue;
    }
    if (!isAlways(entry)) sampled++;
    taken.push(entry);
    bytes += entry.size;
  }
  taken.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: [...canaries, ...taken], bytes, leftOut };
}

export interface RestoredFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface Mismatch {
  readonly path: string;
  readonly expected: string;
  readonly actual: string | null;
  readonly problem: 'missing' | 'size' | 'content';
}

/** Each planned file against what came back. A file that is absent from `restored` did not come back. */
export function compareRestored(
  planned: readonly WitnessEntry[],
  restored: readonly RestoredFile[],
): { readonly matched: number; readonly mismatches: readonly Mismatch[] } {
  const found = new Map(restored.map((file) => [file.path, file]));
  const mismatches: Mismatch[] = [];
  for (const { path, size, sha256 } of planned) {
    const file = found.get(path);
    if (file === undefined) mismatches.push({ path, expected: sha256, actual: null, problem: 'missing' });
    else if (file.sha256 !== sha256)
      mismatches.push({
        path,
        expected: sha256,
        actual: file.sha256,
        problem: file.size === size ? 'content' : 'size',
      });
    else if (file.size !== size) mismatches.push({ path, expected: sha256, actual: file.sha256, problem: 'size' });
  }
  return { matched: planned.length - mismatches.length, mismatches };
}

/** Numbers in [0, 1) from a text: sfc32 (C. Doty-Humphrey, public domain), seeded by cyrb128-style mixing of the text. */
export function seededRandom(seed: string): () => number {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let counter = 1;
  for (let at = 0; at < seed.length; at++) {
    const unit = seed.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x85ebca6b) >>> 0;
    b = Math.imul(b ^ a ^ (b >>> 15), 0xc2b2ae35) >>> 0;
    c = (c + b + Math.imul(unit + 1, 0x27d4eb2f)) >>> 0;
  }
  const next = (): number => {
    const sum = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum / 2 ** 32;
  };
  for (let warm = 0; warm < 16; warm++) next();
  return next;
}
