/** For tests: sources backed up into a repository of their own, which stock restic opens. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../core/base/clock.ts';
import { silentLog } from '../../../core/base/log.ts';
import { backupSources } from '../../../core/domain/backup-source.ts';
import { type BackupResult, backup } from '../../../core/repository/backup/backup.ts';
import { BlobIndex } from '../../../core/repository/blob-index.ts';
import { initRepository } from '../../../core/repository/repository.ts';
import type { WritableRepository } from '../../../core/repository/types.ts';
import { createFileStore } from '../../../core/storage/file-store.ts';
import { DEFAULT_SEARCH_PATH } from '../find-program.ts';
import { SourceRun } from '../source-run.ts';

export interface SourcesBackup {
  readonly result: BackupResult;
  readonly run: SourceRun;
  /** Path and reason of everything that is not in the snapshot. */
  readonly missing: readonly { readonly path: string; readonly message: string }[];
}

/** Fixed: with a few of all polynomials a small dump is one piece from its beginning to its end, and shares nothing. */
const POLYNOMIAL = '3da3358b4dc173';

export class SourcesBench {
  readonly folder: string;
  readonly allowedListPath: string;
  readonly repo: WritableRepository;
  readonly #allowed: string[] = [];
  #backups = 0;

  private constructor(folder: string, repo: WritableRepository) {
    this.folder = folder;
    this.repo = repo;
    this.allowedListPath = join(folder, 'allowed-programs');
  }

  static async make(): Promise<SourcesBench> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-sources-'));
    const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
    return new SourcesBench(
      folder,
      await initRepository(createFileStore({ root: join(folder, 'repository') }), {
        ...key,
        chunkerPolynomial: POLYNOMIAL,
      }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An executable script of /bin/sh that the machine allows; returns its path. */
  script(name: string, text: string): string {
    const path = this.file(name, `#!/bin/sh\n${text}\n`, 0o700);
    this.allow(path);
    return path;
  }

  allow(program: string): void {
    this.#allowed.push(program);
    writeFileSync(this.allowedListPath, this.#allowed.join('\n'), { mode: 0o600 });
  }

  file(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  async begin(sources: readonly object[], signal = new AbortController().signal): Promise<SourceRun> {
    return await SourceRun.begin(backupSources.parse(sources), {
      searchPath: DEFAULT_SEARCH_PATH,
      copiesPath: join(this.folder, 'copies'),
      allowedListPath: this.allowedListPath,
      log: silentLog,
      signal,
    });
  }

  async backUp(sources: readonly object[], paths: readonly string[] = []): Promise<SourcesBackup> {
    const note = this.file('kept/note', 'a file of its own');
    const run = await this.begin(sources);
    try {
      const result = await backup(this.repo, {
        paths: [note, ...paths, ...run.paths],
        streams: run.streams,
        onStreamFailure: 'leave_out',
        hostname: 'machine',
        time: new Date(Date.UTC(2026, 0, 2) + (this.#backups += 1) * 60_000),
        index: await BlobIndex.load(this.repo),
        clock: systemClock,
        programVersion: 'holdfast test',
      });
      await run.end();
      const missing = [...run.failures, ...result.unread].map(({ path, message }) => ({ path, message }));
      return { result, run, missing };
    } finally {
      await run.end();
    }
  }

  /** The paths of the newest snapshot, a line each. */
  listed(): string {
    const text = this.restic('ls', 'latest').toString();
    return text.slice(text.indexOf('\n') + 1);
  }

  restic(...args: string[]): Buffer {
    const env = { ...process.env, RESTIC_PASSWORD: 'p' };
    return execFileSync('restic', ['-r', join(this.folder, 'repository'), '--no-cache', ...args], {
      env,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
