const CHARS_MAX = 512;

/** A path as it may be sent: what a page or a terminal would obey is replaced, and it has an end. */
export function reportable(path: string): string {
  return Array.from(path.replace(/\p{C}/gu, '?'))
    .slice(0, CHARS_MAX / 2)
    .join('');
}
