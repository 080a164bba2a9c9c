/**
 * What parent and sandbox child say to one another over one pipe: frames of a JSON header and, for bytes, a body.
 * `u32 header length | u32 body length | header | body`, big-endian. The parent does not trust the child: its reader
 * bounds both lengths before it keeps a byte.
 */

export interface Frame {
  readonly header: unknown;
  readonly body: Buffer;
}

export interface FrameLimits {
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
}

const PREFIX_BYTES = 8;

export function encodeFrame(header: unknown, body: Uint8Array = new Uint8Array()): Buffer[] {
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(text.length, 0);
  prefix.writeUInt32BE(body.length, 4);
  const parts: Buffer[] = [Buffer.concat([prefix, text])];
  if (body.length > 0) parts.push(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  return parts;
}

/** What of a frame has come so far. */
interface OpenFrame {
  readonly header: Buffer;
  /** Has memory of its own, so that it can be handed to a thread as it is. */
  readonly body: Buffer;
  filled: number;
}

/**
 * Cuts a byte stream into frames: of pieces that are pushed, or of bytes that are read into the room that it gives, which spares
 * large bodies a copy. @throws RangeError for a frame over the limits, SyntaxError for a header that is no JSON.
 */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  #open: OpenFrame | undefined;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  *push(piece: Buffer): Generator<Frame> {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.copy(this.room(), 0, at);
      at += taken;
      const frame = this.took(taken);
      if (frame !== undefined) yield frame;
    }
  }

  /** Where the next bytes belong: never empty. */
  room(): Buffer {
    if (this.#open === undefined) return this.#prefix.subarray(this.#prefixFilled);
    const { header, body, filled } = this.#open;
    return filled < header.length ? header.subarray(filled) : body.subarray(filled - header.length);
  }

  /** So many bytes were written into the room, one or more. @returns the frame that they end. */
  took(bytes: number): Frame | undefined {
    if (this.#open !== undefined) this.#open.filled += bytes;
    else {
      this.#prefixFilled += bytes;
      if (this.#prefixFilled < PREFIX_BYTES) return undefined;
      this.#open = this.#begin();
    }
    const { header, body, filled } = this.#open;
    if (filled < header.length + body.length) return undefined;
    this.#open = undefined;
    this.#prefixFilled = 0;
    return { header: JSON.parse(header.toString('utf8')), body };
  }

  #begin(): OpenFrame {
    const headerBytes = this.#prefix.readUInt32BE(0);
    const bodyBytes = this.#prefix.readUInt32BE(4);
    if (headerBytes > this.#limits.headerBytesMax || bodyBytes > this.#limits.bodyBytesMax)
      throw new RangeError(`a frame of ${headerBytes} + ${bodyBytes} bytes is over the limit`);
    return { header: Buffer.alloc(headerBytes), body: Buffer.allocUnsafeSlow(bodyBytes), filled: 0 };
  }
}
