/** One step of Go's strict UTF-8 decoder: invalid bytes are reported one at a time, where JS decoders merge them. */
export interface Rune {
  readonly code: number;
  readonly width: number;
  readonly isValid: boolean;
}

const INVALID: Rune = { code: 0xfffd, width: 1, isValid: false };

function isContinuation(byte: number | undefined, low = 0x80, high = 0xbf): boolean {
  return byte !== undefined && byte >= low && byte <= high;
}

/** Decodes the rune that begins at `at`; overlong forms, surrogates and codes past U+10FFFF are invalid. */
export function runeAt(bytes: Uint8Array, at: number): Rune {
  const first = bytes[at]!;
  if (first < 0x80) return { code: first, width: 1, isValid: true };
  if (first < 0xc2 || first > 0xf4) return INVALID;
  const second = bytes[at + 1];
  if (first < 0xe0) {
    if (!isContinuation(second)) return INVALID;
    return { code: ((first & 0x1f) << 6) | (second! & 0x3f), width: 2, isValid: true };
  }
  const third = bytes[at + 2];
  if (first < 0xf0) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    if (!isContinuation(second, low, high) || !isContinuation(third)) return INVALID;
    return { code: ((first & 0x0f) << 12) | ((second! & 0x3f) << 6) | (third! & 0x3f), width: 3, isValid: true };
  }
  const fourth = bytes[at + 3];
  const low = first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xf4 ? 0x8f : 0xbf;
  if (!isContinuation(second, low, high) || !isContinuation(third) || !isContinuation(fourth)) return INVALID;
  const code = ((first & 7) << 18) | ((second! & 0x3f) << 12) | ((third! & 0x3f) << 6) | (fourth! & 0x3f);
  return { code, width: 4, isValid: true };
}

export function isValidUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const rune = runeAt(bytes, at);
    if (!rune.isValid) return false;
    at += rune.width;
  }
  return true;
}
