/** The worker thread of a backup: see lane-messages.ts. Calls are synchronous here: measurably faster, and the thread is ours. */
import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32cBase64 } from '../../base/crc32c.ts';
import { isHoldfastError } from '../../base/errors.ts';
import { CHUNK_BYTES_MAX, Chunker } from '../chunker/chunker.ts';
import { SEAL_OVERHEAD, sealInto, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { FileChunks } from './file-chunks.ts';
import type { ChunksRead, FinishJob, FromLane, LaneSetup, SealJob, ToLane } from './lane-messages.ts';
import { sealBlob } from './seal-blob.ts';

const ID_BYTES = 32;
const NO_BUFFER = new SharedArrayBuffer(0);

const setup = workerData as LaneSetup;
const port = parentPort!; // this file runs as a worker thread only
const { masterKey } = setup;
let chunker: Chunker | undefined;
let carried: Buffer | undefined;
let reading: Generator<ChunksRead, ChunksRead, SharedArrayBuffer> | undefined;

port.on('message', (message: ToLane) => {
  try {
    receive(message);
  } catch (error) {
    const code = isHoldfastError(error) ? error.code : 'internal';
    post({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
});

function post(message: FromLane, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function receive(message: ToLane): void {
  switch (message.kind) {
    case 'read':
      chunker ??= new Chunker(setup.chunkerPolynomial);
      carried ??= Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX);
      reading = new FileChunks(message, chunker, carried).read();
      return goOn(undefined);
    case 'more':
      return goOn(message.buffer);
    case 'seal':
      return sealChunks(message);
    case 'finish':
      return finishPack(message);
  }
}

function goOn(buffer: SharedArrayBuffer | undefined): void {
  if (reading === undefined) throw new Error('a lane was given room though it reads nothing');
  // The first `next` starts the generator, which has its first buffer from the job.
  const { value, done } = buffer === undefined ? reading.next(NO_BUFFER) : reading.next(buffer);
  if (done === true) reading = undefined;
  post(value);
}

function sealChunks({ job, type, buffer, ranges, ids, target }: SealJob): void {
  const count = ranges.length / 2;
  const sealed = Buffer.from(target);
  const hexIds = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength).toString('hex');
  const lengths = new Uint32Array(count);
  const uncompressedLengths = new Uint32Array(count);
  let offset = 0;
  for (let at = 0; at < count; at += 1) {
    const plain = Buffer.from(buffer, ranges[at * 2], ranges[at * 2 + 1]! - ranges[at * 2]!);
    const id = hexIds.slice(at * 2 * ID_BYTES, (at + 1) * 2 * ID_BYTES);
    const blob = sealBlob(masterKey, id, type, plain, sealed, offset);
    lengths[at] = blob.length;
    uncompressedLengths[at] = blob.uncompressedLength;
    offset += blob.length;
  }
  const result: FromLane = { kind: 'sealed', job, buffer, sealed: target, lengths, uncompressedLengths };
  post(result);
}

/** The sealed header and its length behind the blobs (docs/format.md, "Packs"). The header is opened again before it is trusted. */
function finishPack({ job, buffer, blobBytes, header }: FinishJob): void {
  const size = blobBytes + header.length + SEAL_OVERHEAD + 4;
  const pack = Buffer.from(buffer, 0, size);
  sealInto(masterKey, header, pack, blobBytes);
  if (!unseal(masterKey, pack.subarray(blobBytes, size - 4)).equals(header)) {
    throw damagedRepository(
      'A pack’s list of contents did not survive its own encoding. Nothing of it was uploaded; check this machine’s memory.',
    );
  }
  pack.writeUInt32LE(header.length + SEAL_OVERHEAD, size - 4);
  const packId = hash('sha256', pack, 'hex');
  post({ kind: 'finished', job, buffer, size, packId, crc32c: crc32cBase64(pack) }, [buffer]);
}
