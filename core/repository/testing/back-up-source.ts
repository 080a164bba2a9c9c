/** A backup as most tests want it; `more` says what is special. */
import { systemClock } from '../../base/clock.ts';
import { type BackupOptions, type BackupResult, backup } from '../backup/backup.ts';
import { BlobIndex } from '../blob-index.ts';
import type { WritableRepository } from '../types.ts';

export async function backUpSource(
  repo: WritableRepository,
  source: string,
  more: Partial<BackupOptions> = {},
): Promise<BackupResult> {
  return await backup(repo, {
    paths: [source],
    hostname: 'machine',
    time: new Date(),
    index: more.index ?? (await BlobIndex.load(repo)),
    clock: systemClock,
    programVersion: 'holdfast test',
    ...more,
  });
}
