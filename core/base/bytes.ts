/**
 * Bytes as text and back, for code that runs in Node and in a browser: Node's Buffer where there is one, for its calls are
 * native and hot, and portable-bytes.ts elsewhere. What Node gives is a Buffer; nobody may rely on it.
 */
import { portableBytes } from './portable-bytes.ts';

const hasBuffer = typeof Buffer === 'function';

const nodeBytes: typeof portableBytes = {
  hexOf: nodeHexOf,
  bytesOfHex: (hex) => Buffer.from(hex, 'hex'),
  base64Of: (bytes) => viewOf(bytes).toString('base64'),
  bytesOfBase64: (text) => Buffer.from(text, 'base64'),
  utf8Of: (bytes) => viewOf(bytes).toString('utf8'),
  bytesOfUtf8: (text) => Buffer.from(text, 'utf8'),
  latin1Of: (bytes) => viewOf(bytes).toString('latin1'),
  concatBytes: (parts) => Buffer.concat(parts),
  compareBytes: (a, b) => Buffer.compare(a, b),
};

function nodeHexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const {
  /** Lowercase; of a part when a start and an end within the bytes are given. */
  hexOf,
  bytesOfHex,
  base64Of,
  bytesOfBase64,
  /** Invalid sequences become replacement characters, one at least for each. */
  utf8Of,
  bytesOfUtf8,
  latin1Of,
  concatBytes,
  /** -1, 0 or 1, by the first byte that differs, then by length. */
  compareBytes,
} = hasBuffer ? nodeBytes : portableBytes;
