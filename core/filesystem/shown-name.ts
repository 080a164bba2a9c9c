/** A name as people may read it in a message, bounded, whatever bytes it has: one of a repository may be made for terminals. */
export function shownName(name: Uint8Array): string {
  const text = Buffer.from(name.subarray(0, SHOWN_BYTES_MAX)).toString('utf8');
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

const SHOWN_BYTES_MAX = 255;
