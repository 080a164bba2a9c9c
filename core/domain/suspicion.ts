/**
 * Does a backup hold so much less than the ones before it that a person should look? An unmounted disk below a protected
 * folder, a deletion gone too far, or somebody who empties the machine before the backups are looked for. Pure.
 */
export interface SourceSize {
  readonly files: number;
  readonly bytes: number;
}

/** Of so few files a change says nothing. */
const FILES_MIN = 20;
/** A source that stays small is usual after so long: the alert then closes by itself. */
export const SUSPICION_COMPARED_MS = 30 * 86_400_000;
/** More than nine of ten gone. */
const SHARE_LEFT = 0.1;

/**
 * Why this backup is suspicious, as a sentence; undefined when it is not. `former` are the sizes of the backups that it is
 * compared with: the largest counts, so that a second small backup does not make the first one usual.
 */
export function suspicionOf(now: SourceSize, former: readonly SourceSize[]): string | undefined {
  const files = Math.max(0, ...former.map((size) => size.files));
  const bytes = Math.max(0, ...former.filter((size) => size.files >= FILES_MIN).map((size) => size.bytes));
  if (files >= FILES_MIN && now.files < files * SHARE_LEFT)
    return `It holds ${countOf(now.files)} where an earlier backup holds ${countOf(files)}.`;
  // As many files, and next to nothing in them.
  if (bytes >= BYTES_MIN && now.bytes < bytes * SHARE_LEFT)
    return `Its files have ${megabytesOf(now.bytes)} where those of an earlier backup have ${megabytesOf(bytes)}.`;
  return undefined;
}

const BYTES_MIN = 10_000_000;

function countOf(files: number): string {
  return files === 1 ? '1 file' : `${files.toLocaleString('en')} files`;
}

function megabytesOf(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;
}
