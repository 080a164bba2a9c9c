/**
 * The compressed form of a blob, by the level that its kind deserves. Level 1 takes two thirds of level 3's time for what fits the
 * processor's own memory. Of folder listings it also makes less: their ids do not compress, and a search that finds short matches
 * among them only costs. Of small pieces of files it depends on the data: source text comes out up to 5 % larger, and text full
 * of tokens and digits 1 to 2 % smaller. So one in sixteen is compressed both ways, and the quick level is taken while it loses nothing.
 */
import { compressView, ZSTD_LEVEL } from '../format/zstd.ts';
import type { BlobType } from '../types.ts';

const QUICK_LEVEL = 1;
/** Sizes that are judged apart: what is best for some kilobytes is not best for sixty. Larger pieces get the usual level. */
const CLASS_BYTES = [4 * 1024, 16 * 1024, 64 * 1024] as const;
const FIRST_SAMPLES = 4;
const SAMPLE_EVERY = 16;
/** What both levels made of the samples, from which on the older half of them is forgotten: folders differ. */
const REMEMBERED_BYTES = 512 * 1024;
/** A larger blob is probed first: compressing random bytes in vain costs more than all the rest. */
const PROBED_BYTES_MIN = 256 * 1024;
/** Many small places: files of half text, half pictures are common, and where their text lies nobody knows. */
const PROBES = 8;
const PROBE_BYTES = 16 * 1024;
/** Part that must be gained; less is not worth the decompression at every later reading. */
const GAIN_MIN = 0.03;

/** Bytes that the samples of one size came to. */
interface Experience {
  seen: number;
  quick: number;
  usual: number;
}

export class BlobCompressor {
  readonly #experience: readonly Experience[] = CLASS_BYTES.map(() => ({ seen: 0, quick: 0, usual: 0 }));

  /** True until the next call on this thread; undefined for what is to be stored as it is. */
  compress(type: BlobType, plain: Uint8Array): Uint8Array | undefined {
    if (type === 'tree') return smaller(plain, compressView(plain, QUICK_LEVEL), 0);
    if (plain.length > PROBED_BYTES_MIN && !isCompressible(plain)) return undefined;
    const experience = this.#experience[CLASS_BYTES.findIndex((bytes) => plain.length <= bytes)];
    if (experience === undefined) return smaller(plain, compressView(plain), GAIN_MIN);
    experience.seen += 1;
    const isSample = experience.seen <= FIRST_SAMPLES || experience.seen % SAMPLE_EVERY === 0;
    if (isSample) return sample(experience, plain);
    const isQuick = experience.quick <= experience.usual;
    return smaller(plain, compressView(plain, isQuick ? QUICK_LEVEL : ZSTD_LEVEL), GAIN_MIN);
  }
}

/** Both forms are there for a moment: the smaller one is kept. */
function sample(experience: Experience, plain: Uint8Array): Uint8Array | undefined {
  const quick = smaller(plain, compressView(plain, QUICK_LEVEL), GAIN_MIN);
  const usual = smaller(plain, compressView(plain), GAIN_MIN);
  experience.quick += quick?.length ?? plain.length;
  experience.usual += usual?.length ?? plain.length;
  if (experience.usual > REMEMBERED_BYTES) {
    experience.quick /= 2;
    experience.usual /= 2;
  }
  if (quick === undefined || usual === undefined) return quick ?? usual;
  return quick.length < usual.length ? quick : usual;
}

function smaller(plain: Uint8Array, packed: Uint8Array, gainMin: number): Uint8Array | undefined {
  return packed.length < plain.length * (1 - gainMin) ? packed : undefined;
}

function isCompressible(plain: Uint8Array): boolean {
  const step = Math.floor((plain.length - PROBE_BYTES) / (PROBES - 1));
  return Array.from({ length: PROBES }, (_, at) => at * step).some((at) => {
    const probe = plain.subarray(at, at + PROBE_BYTES);
    return smaller(probe, compressView(probe), GAIN_MIN) !== undefined;
  });
}
