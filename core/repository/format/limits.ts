/** What a parser of stored bytes accepts at most, so that a hostile repository costs bounded memory (security bar S37). */
export const LIMITS = {
  dataBlobBytes: 64 * 1024 * 1024,
  treeBlobBytes: 64 * 1024 * 1024,
  /** restic's own bound for a sealed pack header. */
  packHeaderBytes: 16 * 1024 * 1024,
  indexBytes: 256 * 1024 * 1024,
  snapshotBytes: 16 * 1024 * 1024,
  treeEntries: 1_000_000,
  treeDepth: 4096,
} as const;
