/** What a parser of stored bytes accepts at most, so that a hostile repository costs bounded memory (security bar S37). */
export const LIMITS = {
  /** restic cuts at 8 MiB; other programs may be set to larger chunks, and their backups must restore too. */
  dataBlobBytes: 64 * 1024 * 1024,
  /** A folder is one listing, whatever it holds: of a million files it has some 450 MB. No text of V8 is longer than 512 MiB. */
  treeBlobBytes: 500 * 1024 * 1024,
  /** restic's own bound for a sealed pack header. */
  packHeaderBytes: 16 * 1024 * 1024,
  indexBytes: 256 * 1024 * 1024,
  snapshotBytes: 16 * 1024 * 1024,
  treeEntries: 1_000_000,
  treeDepth: 4096,
  /** No system takes a longer path (Windows: 32,767 letters); without it 4096 levels could be megabytes an entry. */
  pathBytes: 32 * 1024 * 3,
  /** Ten times the largest snapshots that are seen in practice. */
  snapshotEntries: 100_000_000,
  keyFileBytes: 64 * 1024,
  configBytes: 64 * 1024,
  /** The format allows 4 GiB; writers stop at some hundred MiB, and a check holds one pack in memory. */
  checkedPackBytes: 1024 * 1024 * 1024,
} as const;
