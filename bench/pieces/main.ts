/**
 * What a backup does with each byte, by the way that it takes and by the plain one, in turn in one process: times as fast, of the
 * medians. And what the level that is chosen makes of large files, beside level 3 throughout: of a table and a log that are made
 * from a seed, and with --folder of what lies there.
 *
 *   npm run bench -- pieces [--rounds 9] [--folder PATH]
 */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { hashRanges } from '../../core/base/native/many-hashes.ts';
import { CHUNK_BYTES_MAX, Chunker } from '../../core/repository/chunker/chunker.ts';
import { counterModeInto, nodeCounterModeInto } from '../../core/repository/crypto/counter-mode.ts';
import { compressView } from '../../core/repository/format/zstd.ts';
import { BlobCompressor } from '../../core/repository/write/compress-blob.ts';
import { plainSum } from '../../core/repository/write/plain-sum.ts';
import { median } from '../measure.ts';

const MIB = 1024 * 1024;
const DATA_BYTES = 64 * MIB;
const PIECE_BYTES = MIB;
/** What large files are cut into, about. */
const LARGE_PIECE_BYTES = 1.5 * MIB;
const FOLDER_BYTES_MAX = 256 * MIB;
/** As stored blobs: what gains less stays as it is. */
const GAIN_MIN = 0.03;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' }, folder: { type: 'string' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number above 0, not ${values.rounds}`);

// As in a backup: in memory that threads share.
const data = Buffer.from(new SharedArrayBuffer(DATA_BYTES));
randomBytes(DATA_BYTES).copy(data);
const [key, iv] = [randomBytes(32), randomBytes(16)];
const target = Buffer.alloc(PIECE_BYTES);
const ranges = Array.from({ length: DATA_BYTES / PIECE_BYTES }, (_, at) => [at * PIECE_BYTES, (at + 1) * PIECE_BYTES]);
const sums = new Uint8Array(ranges.length * 32);

function forPieces(work: (piece: Buffer) => void): () => void {
  return () => {
    for (const [start, end] of ranges) work(data.subarray(start, end));
  };
}

function cutAll(chunker: Chunker): () => void {
  return () => {
    for (let at = 0; at < DATA_BYTES; )
      at += chunker.nextLength(data.subarray(at, Math.min(at + CHUNK_BYTES_MAX, DATA_BYTES)), true)!; // all is there
  };
}

const WAYS: readonly (readonly [string, string, () => void, () => void])[] = [
  [
    'cut into chunks, 16 regions at once',
    'byte after byte',
    cutAll(new Chunker('3da3358b4dc173')),
    cutAll(new Chunker('58a4f3c112d91')), // of a degree that only the general way takes
  ],
  [
    'AES-256-CTR by OpenSSL’s own call',
    'by Node’s cipher',
    forPieces((piece) => counterModeInto(key, iv, piece, target, 0)),
    forPieces((piece) => nodeCounterModeInto(key, iv, piece, target, 0)),
  ],
  ['the sum of a piece', 'CRC-32', forPieces((piece) => void plainSum(piece)), forPieces((piece) => void crc32(piece))],
  [
    'SHA-256 side by side',
    'one after the other',
    () => hashRanges(data, ranges.flat(), sums),
    forPieces((piece) => void createHash('sha256').update(piece).digest()),
  ],
];

function secondsOf(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** In turn, after one round that counts for nothing: it compiles, and loads what is loaded at the first use. */
function inTurn(ours: () => void, theirs: () => void): readonly [number, number] {
  const taken: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round += 1)
    for (const [at, work] of [ours, theirs].entries()) {
      const seconds = secondsOf(work);
      if (round >= 0) taken[at]!.push(seconds);
    }
  return [median(taken[0]), median(taken[1])];
}

const speed = (seconds: number): string => `${(DATA_BYTES / seconds / 1e9).toFixed(2)} GB/s`;
for (const [name, peer, ours, theirs] of WAYS) {
  const [own, other] = inTurn(ours, theirs);
  console.log(
    `  ${name.padEnd(38)}${speed(own).padStart(11)}   ${peer.padEnd(20)}${speed(other).padStart(11)}   ${(other / own).toFixed(2)} times as fast`,
  );
}

/** Lines as programs write them: what a quick level of zstd often makes smaller than a slow one does. */
function makeLines(lineOf: (numbers: readonly number[], line: number) => string): Buffer {
  const lines = 300_000;
  const random = createCipheriv('aes-256-ctr', Buffer.alloc(32, 7), Buffer.alloc(16)).update(Buffer.alloc(lines * 12));
  const numbersOf = (line: number): number[] => [0, 4, 8].map((at) => random.readUInt32LE(line * 12 + at));
  return Buffer.from(Array.from({ length: lines }, (_, line) => lineOf(numbersOf(line), line)).join(''));
}

const table = (): Buffer =>
  makeLines(([a, b, c], line) => `${line},${a! % 1e6},${(b! / 2 ** 32).toFixed(6)},${['alpha', 'beta'][c! % 2]}\n`);
const log = (): Buffer =>
  makeLines(([a, b, c], line) => {
    const time = new Date(Date.UTC(2026, 0, 1) + line * 10).toISOString();
    return `${time} host${a! % 40} service[${b! % 1e4}]: request ${c!.toString(16)} took ${b! % 9000} ms\n`;
  });

function piecesOf(file: Buffer): Buffer[] {
  const starts = Array.from({ length: Math.ceil(file.length / LARGE_PIECE_BYTES) }, (_, at) => at * LARGE_PIECE_BYTES);
  return starts
    .map((start) => file.subarray(start, start + LARGE_PIECE_BYTES))
    .filter(({ length }) => length >= LARGE_PIECE_BYTES / 4);
}

function piecesUnder(folder: string): Buffer[] {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || bytes >= FOLDER_BYTES_MAX) continue;
    for (const piece of piecesOf(readFileSync(path.join(entry.parentPath, entry.name)))) {
      pieces.push(piece);
      bytes += piece.length;
    }
  }
  if (pieces.length === 0) throw new Error(`${folder} holds no file of ${LARGE_PIECE_BYTES / 4} bytes or more.`);
  return pieces;
}

function compareLevels(name: string, pieces: readonly Buffer[]): void {
  let [ours, usual] = [0, 0];
  const chosen = (): void => {
    const compressor = new BlobCompressor();
    ours = pieces.reduce((sum, piece) => sum + (compressor.compress('data', piece)?.length ?? piece.length), 0);
  };
  const throughout = (): void => {
    usual = 0;
    for (const piece of pieces) {
      const { length } = compressView(piece);
      usual += length < piece.length * (1 - GAIN_MIN) ? length : piece.length;
    }
  };
  const [own, other] = inTurn(chosen, throughout);
  const figures = `${(own / other).toFixed(2)} of level 3's time, ${(ours / usual).toFixed(4)} of its bytes`;
  console.log(`  the level that is chosen, ${name}, ${pieces.length} large pieces: ${figures}`);
}

compareLevels('a table and a log', [...piecesOf(table()), ...piecesOf(log())]);
if (values.folder !== undefined) compareLevels(path.basename(values.folder), piecesUnder(values.folder));
