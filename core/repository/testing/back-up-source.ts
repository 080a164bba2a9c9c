/** A backup as most tests want it; `more` says what is special. */
import { systemClock } from '../../base/clock.ts';
import { systemZone } from '../../filesystem/system-zone.ts';
import { localZone } from '../format/go-text.ts';
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
    zone: systemZone(process.env.TZ) ?? localZone,
    index: more.index ?? (await BlobIndex.load(repo)),
    clock: systemClock,
    programVersion: 'holdfast test',
    ...more,
  });
}
