/** When a backup with unread items counts as one. */

export interface PartialFacts {
  readonly unreadBytes: number;
  readonly selectedBytes: number;
  /** As many of them as are kept; each with the bytes that are missing because of it. */
  readonly unread: readonly { readonly reason: string; readonly bytes: number }[];
}

/** Nothing of these is lost that a restore could bring back: the entry is gone, or holds no data (a socket). */
const HARMLESS_UNREAD = new Set(['vanished', 'unsupported_type']);

/**
 * May a backup with unread items count? Its unread bytes must be at most the tolerated share of the selected ones, and each
 * loss must have been measured: a folder that could not be opened counts 0 bytes and may hide everything.
 */
export function isPartialAccepted(facts: PartialFacts, toleranceShare: number): boolean {
  if (facts.selectedBytes <= 0) return false;
  const isUnmeasured = facts.unread.some((item) => item.bytes === 0 && !HARMLESS_UNREAD.has(item.reason));
  return !isUnmeasured && facts.unreadBytes / facts.selectedBytes <= toleranceShare;
}
