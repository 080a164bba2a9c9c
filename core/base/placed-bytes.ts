/** Bytes that lie in an open file, where any thread can read them: between processes and threads, only their place has to pass. */
import { readSync } from 'node:fs';

export interface BytesPlace {
  readonly descriptor: number;
  /** Where they begin. */
  readonly at: number;
  readonly length: number;
}

/** True until the next call of this thread: its room is used again. @throws Error when the file is shorter. */
export function readPlaced(place: BytesPlace): Uint8Array {
  if (room.length < place.length) room = Buffer.allocUnsafeSlow(Math.ceil(place.length / GRAIN_BYTES) * GRAIN_BYTES);
  return fill(room.subarray(0, place.length), place);
}

/** In memory of their own. @throws Error when the file is shorter. */
export function copyPlaced(place: BytesPlace): Buffer {
  return fill(Buffer.allocUnsafeSlow(place.length), place);
}

const GRAIN_BYTES = 4 * 1024 * 1024;
let room = Buffer.alloc(0);

function fill<Bytes extends Uint8Array>(bytes: Bytes, { descriptor, at }: BytesPlace): Bytes {
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(descriptor, bytes, done, bytes.length - done, at + done);
    if (read === 0) throw new Error('bytes are not where they were said to be');
    done += read;
  }
  return bytes;
}
