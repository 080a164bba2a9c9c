/** Ids of 32 bytes as they lie one after another in an array: loops, for at this length a call into the runtime costs more. */
export const ID_BYTES = 32;

/** Whether the ids that begin at these places are the same; others mostly differ in the first byte. */
export function isSameId(a: Uint8Array, from: number, b: Uint8Array, at: number): boolean {
  for (let byte = 0; byte < ID_BYTES; byte += 1) if (a[from + byte] !== b[at + byte]) return false;
  return true;
}

export function copyId(source: Uint8Array, from: number, target: Uint8Array, at: number): void {
  for (let byte = 0; byte < ID_BYTES; byte += 1) target[at + byte] = source[from + byte]!;
}

/** 32 bits, signed. Ids are hashes already: their first bytes serve. */
export function hashOfId(ids: Uint8Array, at: number): number {
  return ids[at]! | (ids[at + 1]! << 8) | (ids[at + 2]! << 16) | (ids[at + 3]! << 24);
}
