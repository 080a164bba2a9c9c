/** Which packs a check reads when it does not read all: a part that follows from their names, or a random one. */
import { createHash } from 'node:crypto';

/**
 * part: the n-th of m parts. Every pack is in exactly one, the same one each time and for stock restic too, so that m checks
 * with n from 1 to m have read everything. share: of the number of packs, above 0 and up to 1. bytes: of stored data.
 */
export type DataSubset =
  | { readonly kind: 'part'; readonly part: number; readonly parts: number }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'bytes'; readonly bytes: number };

/** A part is told by the first byte of a pack's id. */
const PARTS_MAX = 256;
const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Of `n/m`, `p%`, or bytes with K, M, G or T behind them; undefined for anything else. */
export function parseDataSubset(text: string): DataSubset | undefined {
  const part = /^(\d{1,3})\/(\d{1,3})$/.exec(text);
  if (part !== null) {
    const [n, m] = [Number(part[1]), Number(part[2])];
    return n >= 1 && n <= m && m <= PARTS_MAX ? { kind: 'part', part: n, parts: m } : undefined;
  }
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text);
  if (percent !== null) {
    const share = Number(percent[1]) / 100;
    return share > 0 && share <= 1 ? { kind: 'share', share } : undefined;
  }
  const size = /^(\d{1,12})([BKMGT]?)$/i.exec(text);
  if (size === null) return undefined;
  const bytes = Number(size[1]) * UNITS[size[2]!.toUpperCase()]!;
  return bytes > 0 && Number.isSafeInteger(bytes) ? { kind: 'bytes', bytes } : undefined;
}

/**
 * The packs of the subset, of which at least one is chosen where there is any. `packs` has sizes in bytes by id. The random
 * ones follow from the seed alone: the same seed on the same packs chooses the same.
 */
export function choosePacks(packs: ReadonlyMap<string, number>, subset: DataSubset, seed: string): ReadonlySet<string> {
  if (subset.kind === 'part') {
    const { part, parts } = subset;
    return new Set([...packs.keys()].filter((id) => Number.parseInt(id.slice(0, 2), 16) % parts === part - 1));
  }
  const drawn = [...packs.keys()]
    .map((id) => ({ id, rank: createHash('sha256').update(`${seed}:${id}`).digest('hex') }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const chosen = new Set<string>();
  let bytes = 0;
  for (const { id } of drawn) {
    const isEnough =
      subset.kind === 'share' ? chosen.size >= Math.ceil(drawn.length * subset.share) : bytes >= subset.bytes;
    if (isEnough) break;
    chosen.add(id);
    bytes += packs.get(id)!;
  }
  return chosen;
}
