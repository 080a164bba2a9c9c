/**
 * The compressed form of a blob, by the level that its kind deserves. Level 1 takes two thirds of level 3's time. Of folder listings
 * it also makes less: their ids do not compress, and a search that finds short matches among them only costs. Of pieces of
 * files it depends on the data: programs and source text come out up to 12 % larger, logs and tables of numbers up to 7 %
 * smaller. So some pieces are compressed by every level, and the quickest is taken that loses nothing (of large ones: 0.5 %, of those
 * of 16 to 64 KiB 1.5 %).
 */
import { compressView, ZSTD_LEVEL, ZSTD_QUICK_LEVEL } from '../format/zstd.ts';
import type { BlobType } from '../types.ts';

/** Pieces that are judged together. */
interface Kind {
  readonly bytesMax: number;
  /** The quickest first. */
  readonly levels: readonly number[];
  /** What the last level made of the samples, from which on the older half of them is forgotten: folders differ. */
  readonly rememberedBytes: number;
  /** Part by which a quicker level may come out larger than the best. */
  readonly lossMax: number;
  /** The first so many are compressed by all levels, and one in so many. */
  readonly firstSamples: number;
  readonly sampleEvery: number;
}

/**
 * What is best for some kilobytes is not best for sixty, of which the quick level takes a third less time: there it may lose a little.
 * Of source text it loses more, and is not taken.
 */
const SMALL_KINDS: readonly Kind[] = [
  { kib: 4, lossMax: 0 },
  { kib: 16, lossMax: 0 },
  { kib: 64, lossMax: 0.015 },
].map(({ kib, lossMax }) => ({
  bytesMax: kib * 1024,
  levels: [ZSTD_QUICK_LEVEL, ZSTD_LEVEL],
  rememberedBytes: 512 * 1024,
  lossMax,
  firstSamples: 4,
  sampleEvery: 32,
}));
/** Large pieces of which a quick search loses nothing at the place that is probed. All others get the usual level. */
const TOKENS: Kind = {
  bytesMax: Infinity,
  levels: [ZSTD_QUICK_LEVEL, 2, ZSTD_LEVEL],
  // Neighbours differ by some percent in what each level makes of them: of one or two nothing can be told.
  rememberedBytes: 8 * 1024 * 1024,
  lossMax: 0.005,
  firstSamples: 2,
  sampleEvery: 32,
};
/** Of the probe, by which level 1 must be ahead: logs, tables and text of tokens are, programs and source text hardly ever. */
const TOKENS_GAIN_MIN = 0.02;
/** A larger blob is probed first: compressing random bytes in vain costs more than all the rest. */
const PROBED_BYTES_MIN = 256 * 1024;
/** Many small places: files of half text, half pictures are common, and where their text lies nobody knows. */
const PROBES = 8;
const PROBE_BYTES = 16 * 1024;
/** Part that must be gained; less is not worth the decompression at every later reading. */
const GAIN_MIN = 0.03;

interface Experience {
  readonly kind: Kind;
  seen: number;
  /** Bytes that each level made of the samples. */
  readonly stored: number[];
  /** The one that is taken for what is no sample. */
  level: number;
}

export class BlobCompressor {
  readonly #small: readonly Experience[] = SMALL_KINDS.map(inexperienced);
  readonly #tokens = inexperienced(TOKENS);

  /** True until the next call on this thread; undefined for what is to be stored as it is. */
  compress(type: BlobType, plain: Uint8Array): Uint8Array | undefined {
    if (type === 'tree') return smaller(plain, compressView(plain, ZSTD_QUICK_LEVEL), 0);
    if (plain.length <= PROBED_BYTES_MIN) {
      const experience = this.#small.find(({ kind }) => plain.length <= kind.bytesMax);
      return experience === undefined ? smaller(plain, compressView(plain), GAIN_MIN) : byExperience(experience, plain);
    }
    const probe = probed(plain);
    if (probe === undefined) return undefined;
    return probe.isTokens ? byExperience(this.#tokens, plain) : smaller(plain, compressView(plain), GAIN_MIN);
  }
}

function inexperienced(kind: Kind): Experience {
  return { kind, seen: 0, stored: kind.levels.map(() => 0), level: ZSTD_LEVEL };
}

function byExperience(experience: Experience, plain: Uint8Array): Uint8Array | undefined {
  const { firstSamples, sampleEvery } = experience.kind;
  experience.seen += 1;
  if (experience.seen <= firstSamples || experience.seen % sampleEvery === 0) return sample(experience, plain);
  return smaller(plain, compressView(plain, experience.level), GAIN_MIN);
}

/** All forms are there for a moment: the smallest one is kept. */
function sample(experience: Experience, plain: Uint8Array): Uint8Array | undefined {
  const { kind, stored } = experience;
  let least: Uint8Array | undefined;
  for (const [at, level] of kind.levels.entries()) {
    const packed = smaller(plain, compressView(plain, level), GAIN_MIN);
    stored[at]! += packed?.length ?? plain.length;
    if (packed !== undefined && (least === undefined || packed.length < least.length)) least = packed;
  }
  if (stored.at(-1)! > kind.rememberedBytes) for (const at of stored.keys()) stored[at]! /= 2;
  const enough = Math.min(...stored) * (1 + kind.lossMax);
  experience.level = kind.levels[stored.findIndex((bytes) => bytes <= enough)]!; // the least is one of them
  return least;
}

function smaller(plain: Uint8Array, packed: Uint8Array, gainMin: number): Uint8Array | undefined {
  return packed.length < plain.length * (1 - gainMin) ? packed : undefined;
}

/** Undefined for what does not compress at any of the places. */
function probed(plain: Uint8Array): { readonly isTokens: boolean } | undefined {
  const step = Math.floor((plain.length - PROBE_BYTES) / (PROBES - 1));
  for (let number = 0; number < PROBES; number += 1) {
    const probe = plain.subarray(number * step, number * step + PROBE_BYTES);
    const usual = smaller(probe, compressView(probe), GAIN_MIN)?.length;
    if (usual === undefined) continue;
    return { isTokens: compressView(probe, ZSTD_QUICK_LEVEL).length < usual * (1 - TOKENS_GAIN_MIN) };
  }
  return undefined;
}
