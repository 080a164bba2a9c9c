/**
 * True for the bytes of one plain path segment: not empty, not `.` or `..`, no slash, no NUL, no longer than any file
 * system allows. Everything that makes a path of names from a repository asks this first (security bar S38).
 */
export function isPlainName(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > NAME_BYTES_MAX) return false;
  if (name.length <= 2 && name[0] === DOT && (name.length === 1 || name[1] === DOT)) return false;
  return !name.includes(SLASH) && !name.includes(0);
}

const DOT = 0x2e;
const SLASH = 0x2f;
/** 255 bytes on Unix; 255 UTF-16 units on Windows and Mac, of up to three bytes each. */
const NAME_BYTES_MAX = 255 * 4;
