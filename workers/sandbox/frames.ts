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

/** Cuts a byte stream into frames. @throws RangeError for a frame over the limits, SyntaxError for a header that is no JSON. */
export class FrameReader {
  readonly #limits: FrameLimits;
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes of the frame being read, once its prefix is known. */
  #wanted: number | undefined;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  *push(piece: Buffer): Generator<Frame> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#held < PREFIX_BYTES) return;
        const prefix = this.#join().subarray(0, PREFIX_BYTES);
        const headerBytes = prefix.readUInt32BE(0);
        const bodyBytes = prefix.readUInt32BE(4);
        if (headerBytes > this.#limits.headerBytesMax || bodyBytes > this.#limits.bodyBytesMax)
          throw new RangeError(`a frame of ${headerBytes} + ${bodyBytes} bytes is over the limit`);
        this.#wanted = PREFIX_BYTES + headerBytes + bodyBytes;
      }
      if (this.#held < this.#wanted) return;
      const all = this.#join();
      const frame = all.subarray(0, this.#wanted);
      const rest = all.subarray(this.#wanted);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
      this.#wanted = undefined;
      const bodyAt = PREFIX_BYTES + frame.readUInt32BE(0);
      yield { header: JSON.parse(frame.toString('utf8', PREFIX_BYTES, bodyAt)), body: frame.subarray(bodyAt) };
    }
  }

  #join(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }
}
