/** The worker thread of a backup: see lane-messages.ts. Calls are synchronous here: measurably faster, and the thread is ours. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { isHoldfastError } from '../../base/errors.ts';
import { readProblem } from '../../filesystem/scan.ts';
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, Chunker } from '../chunker/chunker.ts';
import { sha256Hex } from '../object-names.ts';
import type { FileRead, FileToRead, FromLane, LaneSetup, SealedChunk, ToLane } from './lane-messages.ts';
import { sealBlob } from './seal-blob.ts';

const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Segments that wait for their answer; more would only hold memory. */
const SEGMENTS_MAX = 3;
const READ_BYTES = 2 * CHUNK_BYTES_MAX;

interface Chunk {
  readonly id: string;
  readonly plain: Uint8Array;
}

const setup = workerData as LaneSetup;
const port = parentPort!; // this file runs as a worker thread only
const masterKey = setup.masterKey;
const chunker = new Chunker(setup.chunkerPolynomial);

const jobs: (readonly FileToRead[])[] = [];
const waiting = new Map<number, readonly Chunk[]>();
let segment: Chunk[] = [];
let segmentBytes = 0;
let segmentNumber = 0;
let isReading = false;
let wake: (() => void) | undefined;

port.on('message', (message: ToLane) => {
  try {
    if (message.kind === 'wanted') answer(message.segment, message.wanted);
    else {
      jobs.push(message.files);
      if (!isReading) void readJobs();
    }
  } catch (error) {
    fail(error);
  }
});

function post(message: FromLane, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function fail(error: unknown): void {
  post({ kind: 'failed', code: isHoldfastError(error) ? error.code : 'internal', message: (error as Error).message });
}

async function readJobs(): Promise<void> {
  isReading = true;
  try {
    for (let files = jobs.shift(); files !== undefined; files = jobs.shift()) {
      const done: FileRead[] = [];
      for (const file of files) done.push(await readFile(file));
      await flushSegment();
      post({ kind: 'read', files: done });
    }
  } catch (error) {
    fail(error);
  } finally {
    isReading = false;
  }
}

async function readFile(file: FileToRead): Promise<FileRead> {
  const witness = file.isWitness ? createHash('sha256') : undefined;
  const content: string[] = [];
  let bytes = 0;
  let fd: number;
  try {
    fd = openSync(Buffer.from(file.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { file: file.file, bytes: 0, content, isLost: true, problem: { ...readProblem(error), bytes: file.size } };
  }
  try {
    bytes = await readChunks(fd, file.size, content, witness);
    const isChanged = hasChanged(fd, file, bytes);
    return {
      file: file.file,
      bytes,
      content,
      isLost: false,
      ...(witness === undefined ? {} : { witness: witness.digest('hex') }),
      ...(isChanged
        ? {
            problem: {
              reason: 'changed_while_reading',
              message: 'It changed while it was read; what was read is kept.',
              bytes: 0,
            },
          }
        : {}),
    };
  } catch (error) {
    if (isHoldfastError(error)) throw error;
    return { file: file.file, bytes, content: [], isLost: true, problem: { ...readProblem(error), bytes: file.size } };
  } finally {
    closeSync(fd);
  }
}

function hasChanged(fd: number, file: FileToRead, bytes: number): boolean {
  const stat = fstatSync(fd, { bigint: true });
  return BigInt(bytes) !== stat.size || stat.mtimeNs !== file.mtimeNs || stat.ctimeNs !== file.ctimeNs;
}

/** Reads to the end of the file, whatever its size was said to be. Returns the bytes read. */
async function readChunks(fd: number, sizeHint: number, content: string[], witness: Hash | undefined): Promise<number> {
  let total = 0;
  let rest: Uint8Array = Buffer.alloc(0);
  for (let isEnd = false; !isEnd; ) {
    // One byte more than the hint tells the end of an unchanged small file in the same call that reads it.
    const room = Math.min(READ_BYTES, Math.max(sizeHint - total + 1, 64 * 1024));
    const buffer = Buffer.allocUnsafeSlow(rest.length + room);
    buffer.set(rest);
    let filled = rest.length;
    while (filled < buffer.length && !isEnd) {
      const count = readSync(fd, buffer, filled, buffer.length - filled, null);
      if (count === 0) isEnd = true;
      witness?.update(buffer.subarray(filled, filled + count));
      filled += count;
      total += count;
    }
    rest = await cutChunks(buffer.subarray(0, filled), isEnd, content);
  }
  return total;
}

async function cutChunks(data: Uint8Array, isEnd: boolean, content: string[]): Promise<Uint8Array> {
  let at = 0;
  while (at < data.length) {
    const rest = data.subarray(at);
    const length = rest.length < CHUNK_BYTES_MIN && isEnd ? rest.length : chunker.nextLength(rest, isEnd);
    if (length === undefined) return rest;
    const plain = rest.subarray(0, length);
    const id = sha256Hex(plain);
    content.push(id);
    segment.push({ id, plain });
    segmentBytes += length;
    at += length;
    if (segmentBytes >= SEGMENT_BYTES) await flushSegment();
  }
  return data.subarray(data.length);
}

async function flushSegment(): Promise<void> {
  if (segment.length > 0) {
    segmentNumber += 1;
    waiting.set(segmentNumber, segment);
    post({ kind: 'chunks', segment: segmentNumber, ids: segment.map(({ id }) => id) });
    segment = [];
    segmentBytes = 0;
  }
  while (waiting.size >= SEGMENTS_MAX) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

function answer(number: number, wanted: Uint8Array): void {
  const chunks = waiting.get(number) ?? [];
  const sealedBytes: Buffer[] = [];
  const sealed: SealedChunk[] = [];
  let offset = 0;
  for (const [at, { id, plain }] of chunks.entries()) {
    if (wanted[at] !== 1) continue;
    const { bytes, uncompressedLength } = sealBlob(masterKey, id, 'data', plain);
    sealed.push({ id, offset, length: bytes.length, uncompressedLength, plainLength: plain.length });
    sealedBytes.push(bytes);
    offset += bytes.length;
  }
  const joined = Buffer.allocUnsafeSlow(offset);
  for (const [at, bytes] of sealedBytes.entries()) joined.set(bytes, sealed[at]!.offset);
  waiting.delete(number);
  post({ kind: 'sealed', segment: number, bytes: joined, chunks: sealed }, [joined.buffer]);
  wake?.();
}
