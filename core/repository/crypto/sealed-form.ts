/** A sealed object: IV, ciphertext, tag. docs/format.md, "Sealed bytes". */
export const IV_BYTES = 16;
export const TAG_BYTES = 16;
/** Bytes that sealing adds. */
export const SEAL_OVERHEAD = IV_BYTES + TAG_BYTES;
