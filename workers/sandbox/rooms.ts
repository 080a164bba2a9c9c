/**
 * Memory that one pack after the other is read into: new memory is cleared by the system page by page, which takes as long as
 * reading a file into it. Of one sandbox; what is asked for is bounded there.
 */
import { freeBytes } from '../../core/base/free-bytes.ts';

/** Smaller reads come out of memory that the allocator has at hand anyway. */
const ROOM_BYTES_MIN = 256 * 1024;
const GRAIN_BYTES = 1024 * 1024;
/** Of what waits: two groups of packs. */
const IDLE_BYTES_MAX = 320 * 1024 * 1024;

export class Rooms {
  #idle: Uint8Array<ArrayBuffer>[] = [];
  #idleBytes = 0;
  #isClosed = false;

  /** So many bytes, with anything in them. */
  take(bytes: number): Uint8Array {
    if (bytes < ROOM_BYTES_MIN) return Buffer.allocUnsafeSlow(bytes);
    // One that is much larger is kept for what needs it.
    const at = this.#idle.findIndex(({ length }) => length >= bytes && length <= 2 * bytes);
    const room = this.#idle[at] ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES);
    if (at !== -1) {
      this.#idle.splice(at, 1);
      this.#idleBytes -= room.length;
    }
    return room.subarray(0, bytes);
  }

  /** Nobody looks at these bytes any more. They may be somebody else's: their memory is then given back to the system. */
  giveBack(bytes: Uint8Array): void {
    const room = new Uint8Array(bytes.buffer as ArrayBuffer);
    const isRoom = bytes.byteOffset === 0 && room.length >= ROOM_BYTES_MIN && room.length % GRAIN_BYTES === 0;
    if (!isRoom || this.#isClosed || this.#idleBytes + room.length > IDLE_BYTES_MAX) return freeBytes(bytes);
    this.#idle.push(room);
    this.#idleBytes += room.length;
  }

  close(): void {
    this.#isClosed = true;
    for (const room of this.#idle) freeBytes(room);
    this.#idle = [];
    this.#idleBytes = 0;
  }
}
