/** Folders to back up. The same seed gives the same bytes on every machine. */
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const MIB = 1024 * 1024;

/** Random bytes that a seed decides, without an end. */
class Source {
  readonly #cipher;

  constructor(seed: string) {
    this.#cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  }

  bytes(size: number): Buffer {
    return this.#cipher.update(Buffer.alloc(size));
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    return this.bytes(4).readUInt32LE() / 2 ** 32;
  }

  /** Sizes as they are found on disks: most are small, a few are large. */
  logNormal(medianSize: number, spread: number, sizeMax: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
    return Math.min(sizeMax, Math.round(medianSize * Math.exp(spread * normal)));
  }
}

/** A page of words that compresses about as well as prose and source text do. */
function makeText(source: Source): Buffer {
  const words = Array.from({ length: 4096 }, () => source.bytes(2 + Math.floor(source.fraction() * 8)).toString('hex'));
  const parts: string[] = [];
  for (let size = 0; size < 8 * MIB; ) {
    // Common words are common: a product of two fractions leans to the low numbers.
    const word = words[Math.floor(source.fraction() * source.fraction() * words.length)]!;
    parts.push(word);
    size += word.length + 1;
  }
  return Buffer.from(parts.join(' '), 'latin1');
}

export interface Corpus {
  readonly files: number;
  readonly bytes: number;
}

/** Twenty files a folder, twenty folders a folder: as deep and as wide as people's folders are. */
function placeOf(root: string, kind: string, number: number): string {
  const folder = path.join(root, kind, String(Math.floor(number / 400)), String(Math.floor(number / 20) % 20));
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${number}`);
}

/** A file in which half a MiB of noise and half a MiB of text take turns. */
function writeHalfCompressible(place: string, size: number, source: Source, text: Buffer): void {
  const fd = openSync(place, 'w');
  for (let left = size; left > 0; ) {
    const at = Math.floor(source.fraction() * (text.length - MIB / 2));
    for (const block of [source.bytes(MIB / 2), text.subarray(at, at + MIB / 2)]) {
      const part = block.subarray(0, Math.min(left, block.length));
      writeSync(fd, part);
      left -= part.length;
    }
  }
  closeSync(fd);
}

/** A small office: 40 % of the bytes in small text files, 20 % incompressible, 40 % in large half-and-half files. */
export function makeMixed(root: string, seed: string, bytes: number): Corpus {
  const source = new Source(seed);
  const text = makeText(source);
  let files = 0;
  let written = 0;
  const fill = (upTo: number, make: (number: number) => number): void => {
    for (let number = 0; written < upTo; number += 1) {
      written += make(number);
      files += 1;
    }
  };
  fill(0.4 * bytes, (number) => {
    const size = source.logNormal(12 * 1024, 1.4, 4 * MIB);
    const at = Math.floor(source.fraction() * (text.length - size));
    writeFileSync(placeOf(root, 'documents', number), text.subarray(at, at + size));
    return size;
  });
  fill(0.6 * bytes, (number) => {
    const size = source.logNormal(600 * 1024, 0.9, 16 * MIB);
    writeFileSync(placeOf(root, 'pictures', number), source.bytes(size));
    return size;
  });
  fill(bytes, (number) => {
    const size = Math.min(96 * MIB, Math.ceil(bytes - written));
    writeHalfCompressible(placeOf(root, 'images', number), size, source, text);
    return size;
  });
  return { files, bytes: written };
}

/** Large files of which half compresses. */
export function makeLarge(root: string, seed: string, bytes: number): Corpus {
  const source = new Source(seed);
  const text = makeText(source);
  const files = 8;
  for (let number = 0; number < files; number += 1)
    writeHalfCompressible(placeOf(root, 'images', number), Math.floor(bytes / files), source, text);
  return { files, bytes: Math.floor(bytes / files) * files };
}

/** Many small files: text of some kilobytes, as source trees and mail folders hold. */
export function makeSmall(root: string, seed: string, files: number): Corpus {
  const source = new Source(seed);
  const text = makeText(source);
  let bytes = 0;
  for (let number = 0; number < files; number += 1) {
    const size = source.logNormal(1800, 1.2, MIB);
    const at = Math.floor(source.fraction() * (text.length - size));
    // A line of its own, so that no two files are equal.
    writeFileSync(placeOf(root, 'mail', number), Buffer.concat([source.bytes(16), text.subarray(at, at + size)]));
    bytes += size + 16;
  }
  return { files, bytes };
}

/** Overwrites `share` of all bytes under `root`, in places of 64 KiB that the seed scatters over the files. */
export function changeInPlace(root: string, seed: string, share: number): void {
  const source = new Source(seed);
  const piece = 64 * 1024;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const place = path.join(entry.parentPath, entry.name);
    const { size } = statSync(place);
    const fd = openSync(place, 'r+');
    for (let changed = 0; changed < size * share; changed += piece)
      writeSync(fd, source.bytes(piece), 0, piece, Math.floor(source.fraction() * (size - piece)));
    closeSync(fd);
  }
}
