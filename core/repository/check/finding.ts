export type FindingKind =
  | 'index_unreadable'
  | 'index_missing'
  | 'snapshot_unreadable'
  | 'pack_missing'
  | 'pack_wrong_size'
  | 'pack_layout'
  | 'pack_unlisted'
  | 'pack_damaged'
  | 'pack_not_read'
  | 'blob_damaged'
  | 'blob_missing'
  | 'tree_unreadable'
  | 'unsafe_name'
  | 'file_wrong_size';

/** One thing that a check found. */
export interface CheckFinding {
  readonly kind: FindingKind;
  /** error: something cannot be restored, or may not be the truth. notice: harmless, worth knowing. */
  readonly severity: 'error' | 'notice';
  readonly message: string;
  readonly packId?: string;
  readonly objectKey?: string;
  readonly blobId?: string;
  /** Path inside the snapshots, where the finding has one. */
  readonly path?: string;
  /** Ids of the snapshots that do not restore whole because of it. */
  readonly affectedSnapshots?: readonly string[];
}
