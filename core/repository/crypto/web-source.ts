/**
 * Bytes as the web's own functions take them. Their types refuse memory that is shared between threads; nothing here is, for
 * stores give bytes that are the caller's own.
 */
export function asSource(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
