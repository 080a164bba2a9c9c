/** Which repositories new packs, indexes and snapshots are written into. */
import { HoldfastError } from '../../base/errors.ts';
import type { OpenRepository } from '../types.ts';

/**
 * What is written here is compressed, which programs that hold to version 1 cannot read: one file of it would close the repository to them.
 * @throws HoldfastError bad_request for a repository of format version 1.
 */
export function assertWritableVersion({ config }: OpenRepository): void {
  if (config.version === 2) return;
  throw new HoldfastError(
    'bad_request',
    'The repository is of format version 1, which knows no compression: it can be restored from and checked, but not written to. Nothing was changed. "restic migrate upgrade_repo_v2" brings it to version 2.',
  );
}
