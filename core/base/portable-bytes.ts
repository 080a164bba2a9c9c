/** Bytes as text and back, where there is no Buffer: in a browser. It answers as Node's Buffer does, bad input included. */

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Six bits by character code, of both alphabets; -1 for what is none of their letters. */
const BASE64_BITS = new Int8Array(128).fill(-1);
for (let at = 0; at < 64; at += 1) BASE64_BITS[BASE64.charCodeAt(at)] = at;
BASE64_BITS[0x2d] = 62; // -
BASE64_BITS[0x5f] = 63; // _

/** A byte order mark is three bytes of the text like any other: a name may begin with one. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
/** More arguments than some tens of thousands overflow the stack of some engines. */
const LATIN1_STEP = 8192;

export const portableBytes = {
  hexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
    let text = '';
    for (let at = start; at < end; at += 1) text += HEX_OF_BYTE[bytes[at]!]!;
    return text;
  },

  bytesOfHex(hex: string): Uint8Array {
    const bytes = new Uint8Array(hex.length >>> 1);
    for (let at = 0; at < bytes.length; at += 1) {
      const digits = hex.slice(at * 2, at * 2 + 2);
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) return bytes.slice(0, at);
      bytes[at] = Number.parseInt(digits, 16);
    }
    return bytes;
  },

  base64Of(bytes: Uint8Array): string {
    let text = '';
    for (let at = 0; at < bytes.length; at += 3) {
      const left = bytes.length - at;
      const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      text += BASE64[bits >>> 18]! + BASE64[(bits >>> 12) & 63]!;
      text += (left > 1 ? BASE64[(bits >>> 6) & 63]! : '=') + (left > 2 ? BASE64[bits & 63]! : '=');
    }
    return text;
  },

  /** What is no letter of the alphabet is passed over; `=` ends the text. */
  bytesOfBase64(text: string): Uint8Array {
    const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
    let size = 0;
    let bits = 0;
    let count = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 0x3d) break;
      const six = code < 128 ? BASE64_BITS[code]! : -1;
      if (six < 0) continue;
      bits = ((bits << 6) | six) & 0xffff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes[size++] = bits >>> count;
    }
    return bytes.slice(0, size);
  },

  utf8Of(bytes: Uint8Array): string {
    return decoder.decode(bytes);
  },

  bytesOfUtf8(text: string): Uint8Array {
    return encoder.encode(text);
  },

  latin1Of(bytes: Uint8Array): string {
    let text = '';
    for (let at = 0; at < bytes.length; at += LATIN1_STEP)
      text += String.fromCharCode(...bytes.subarray(at, at + LATIN1_STEP));
    return text;
  },

  concatBytes(parts: readonly Uint8Array[]): Uint8Array {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  },

  compareBytes(a: Uint8Array, b: Uint8Array): number {
    const common = Math.min(a.length, b.length);
    for (let at = 0; at < common; at += 1) if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
    return Math.sign(a.length - b.length);
  },
};
