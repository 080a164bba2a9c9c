/** A vault with one backup, made by our own engine, for tests of what reads vaults. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import { initRepository } from '../../core/repository/repository.ts';
import type { WritableRepository } from '../../core/repository/types.ts';
import type { ReadCreateStore } from '../../core/storage/port.ts';
import { backUpSource } from '../../core/repository/testing/back-up-source.ts';

export const TEST_PASSWORD = 'a password of the tests';

export interface TestVault {
  readonly repo: WritableRepository;
  readonly result: BackupResult;
  /** The folder that was backed up. */
  readonly source: string;
  readonly task: { readonly password: string; readonly snapshotId: string; readonly treeId: string };
}

/** Writes files (path below the folder to contents) into a fresh temporary folder. */
export function writeFiles(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-source-'));
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), contents);
  }
  return folder;
}

export async function backUpFolder(repo: WritableRepository, source: string): Promise<BackupResult> {
  return await backUpSource(repo, source, {
    packBytes: 256 * 1024,
    witness: { canaryPath: path.join(source, 'canary.txt'), seed: 'test', sampleCount: 50 },
  });
}

export async function makeVault(
  store: ReadCreateStore,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<TestVault> {
  const source = writeFiles(files);
  const repo = await initRepository(store, {
    password: TEST_PASSWORD,
    strength: 'machine',
    hostname: 'test',
    username: 'test',
    clock: systemClock,
  });
  const result = await backUpFolder(repo, source);
  return {
    repo,
    result,
    source,
    task: { password: TEST_PASSWORD, snapshotId: result.snapshotId, treeId: result.snapshot.tree },
  };
}
