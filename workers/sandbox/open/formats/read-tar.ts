/** Tar archives, plain or packed by gzip or zstd: every header's checksum, every size, and the end. */
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { FileReader } from './file-reader.ts';
import { BrokenFormat, ENTRIES_MAX, type FormatFinding, TooLarge, UNPACKED_BYTES_MAX } from './finding.ts';

const BLOCK = 512;

export function isTarHeader(block: Buffer): boolean {
  return block.length >= BLOCK && checksumOf(block) !== undefined && checksumOf(block) === sumOf(block);
}

function checksumOf(block: Buffer): number | undefined {
  const text = block.toString('latin1', 148, 156).replaceAll('\0', ' ').trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function sumOf(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : block[at]!;
  return sum;
}

export async function readTar(file: FileReader): Promise<FormatFinding> {
  return await new TarReader().read(file.stream(0, file.size), 'a tar archive');
}

/** gzip or zstd: unpacked to its end, which compares its checksum; and when a tar is in it, that too. */
export async function readPacked(file: FileReader, packing: 'gzip' | 'zstd'): Promise<FormatFinding> {
  const unpacker = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  const source = file.stream(0, file.size);
  source.on('error', (error) => unpacker.destroy(error));
  try {
    return await new TarReader().read(source.pipe(unpacker), `a file packed by ${packing}`);
  } catch (error) {
    if (error instanceof BrokenFormat || error instanceof TooLarge) throw error;
    throw new BrokenFormat(`it cannot be unpacked (${error instanceof Error ? error.message : 'it broke off'})`);
  }
}

/** Reads a stream to its end; it is a tar when its first block is a header. */
class TarReader {
  #pieces: Buffer[] = [];
  #held = 0;
  #bytes = 0;
  #entries = 0;
  #skip = 0;
  #zeroBlocks = 0;
  #isTar: boolean | undefined;

  async read(stream: Readable, format: string): Promise<FormatFinding> {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      this.#bytes += piece.length;
      if (this.#bytes > UNPACKED_BYTES_MAX) throw new TooLarge();
      if (this.#isTar !== false) this.#take(piece);
    }
    if (this.#bytes === 0) return { format, state: 'empty', contents: 'nothing', reason: 'there is nothing in it' };
    if (this.#isTar !== true)
      return { format, state: 'sound', contents: `${this.#bytes.toLocaleString('en')} bytes`, reason: '' };
    if (this.#skip > 0 || this.#zeroBlocks === 0)
      throw new BrokenFormat(`the tar archive in it was cut off behind ${this.#entries} entries`);
    const name = format.startsWith('a tar') ? format : `a tar archive in ${format}`;
    const contents = `${this.#entries} entries, ${this.#bytes.toLocaleString('en')} bytes`;
    return { format: name, state: this.#entries === 0 ? 'empty' : 'sound', contents, reason: '' };
  }

  #take(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#skip > 0 && this.#held === 0) {
        const count = Math.min(this.#skip, rest.length);
        this.#skip -= count;
        rest = rest.subarray(count);
        continue;
      }
      const count = Math.min(BLOCK - this.#held, rest.length);
      this.#pieces.push(rest.subarray(0, count));
      this.#held += count;
      rest = rest.subarray(count);
      if (this.#held < BLOCK) return;
      const block = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#held = 0;
      this.#isTar ??= isTarHeader(block);
      if (!this.#isTar) return;
      this.#header(block);
    }
  }

  #header(block: Buffer): void {
    // Behind two blocks of zeros whatever follows is padding.
    if (this.#zeroBlocks >= 2) return;
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      return;
    }
    this.#zeroBlocks = 0;
    if (!isTarHeader(block)) throw new BrokenFormat(`the header behind entry ${this.#entries} is damaged`);
    this.#entries++;
    if (this.#entries > ENTRIES_MAX) throw new TooLarge();
    // Large sizes are in base 256 with the first bit set.
    const size =
      (block[124]! & 0x80) !== 0
        ? Number(block.readBigUInt64BE(128))
        : Number.parseInt(block.toString('latin1', 124, 136).replaceAll('\0', ' ').trim() || '0', 8);
    if (!Number.isSafeInteger(size)) throw new BrokenFormat(`the size of entry ${this.#entries} is no number`);
    this.#skip = Math.ceil(size / BLOCK) * BLOCK;
  }
}
