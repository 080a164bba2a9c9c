/**
 * Which files a drill restores and what its findings mean: pure and seeded, so that the plan of any drill can be made again
 * from its record. A level 3 drill compares restored files with hashes that the agent took while it read the originals.
 */

export interface WitnessEntry {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly role: 'canary' | 'sample';
}

export const DRILL_LIMITS = {
  /** Bytes that one drill restores at most: the sample proves the chain, it is no full restore. */
  sampleBytesMax: 2 * 1024 ** 3,
  /** Wall clock of the restoring process. */
  wallClockMs: 10 * 60_000,
  /** After a drill that the infrastructure stopped, before the next try. */
  voidRetryMs: 15 * 60_000,
} as const;

export interface DrillPlan {
  /** Canary first, then the sample by path. */
  readonly files: readonly WitnessEntry[];
  readonly bytes: number;
  /** Witness files that the size limit left out of this drill. */
  readonly leftOut: number;
}

/**
 * Every canary, and a sample of `sampleFiles` of the rest, drawn without replacement by `seed`. A file that would pass the
 * byte limit is skipped for the next one drawn, so that one huge file does not empty the sample.
 */
export function planDrill(
  witness: readonly WitnessEntry[],
  options: { readonly seed: string; readonly sampleFiles: number; readonly bytesMax?: number },
): DrillPlan {
  const bytesMax = options.bytesMax ?? DRILL_LIMITS.sampleBytesMax;
  // By path, each once: the drawing must depend on the set and the seed, not on the order in which the agent listed it.
  const byPath = new Map(witness.map((entry) => [entry.path, entry]));
  const ordered = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const canaries = ordered.filter((entry) => entry.role === 'canary');
  const others = ordered.filter((entry) => entry.role === 'sample');
  const random = seededRandom(options.seed);
  for (let at = others.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [others[at], others[other]] = [others[other]!, others[at]!];
  }
  const sample: WitnessEntry[] = [];
  let bytes = canaries.reduce((sum, entry) => sum + entry.size, 0);
  let leftOut = 0;
  for (const entry of others) {
    if (sample.length === options.sampleFiles) break;
    if (bytes + entry.size > bytesMax) {
      leftOut++;
      continue;
    }
    sample.push(entry);
    bytes += entry.size;
  }
  sample.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: [...canaries, ...sample], bytes, leftOut };
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

export interface DrillFacts {
  readonly state: 'queued' | 'running' | 'passed' | 'failed' | 'void';
  readonly createdMs: number;
}

/**
 * Is a restore test owed once a point of this source has been verified? Yes when none ever passed, when the newest verdict
 * was a failure (the new point may be the first good one), or when the last pass is older than the policy's interval. A void
 * drill proves nothing; it only makes the next one wait a little. Not while one is under way.
 */
export function isDrillDue(drills: readonly DrillFacts[], everyHours: number, nowMs: number): boolean {
  if (drills.some((drill) => drill.state === 'queued' || drill.state === 'running')) return false;
  if (drills.some((drill) => drill.state === 'void' && nowMs - drill.createdMs < DRILL_LIMITS.voidRetryMs))
    return false;
  const verdicts = drills.filter((drill) => drill.state === 'passed' || drill.state === 'failed');
  const newest = verdicts.reduce<DrillFacts | undefined>(
    (a, b) => (a === undefined || b.createdMs > a.createdMs ? b : a),
    undefined,
  );
  if (newest === undefined || newest.state === 'failed') return true;
  return nowMs - newest.createdMs >= everyHours * 3_600_000;
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
