/** Which repositories take new snapshots. */
import { HoldfastError } from '../../base/errors.ts';
import type { OpenRepository } from '../types.ts';

/** @throws HoldfastError bad_request for a repository of format version 1. */
export function assertWritableVersion({ config }: OpenRepository): void {
  if (config.version === 2) return;
  throw new HoldfastError(
    'bad_request',
    'The repository is of format version 1, which knows no compression: it can be restored from and checked, but not added to. "restic migrate upgrade_repo_v2" brings it to version 2.',
  );
}
