/** Starts systems of tests in the real sandbox, and sees to it that their disks stay as they are. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { silentLog } from '../../../../core/base/log.ts';
import type { DrillCheck } from '../../../../core/domain/drill-checks.ts';
import { bootTest } from '../../../../core/domain/system-tests.ts';
import { PICTURE_FILE } from '../../limits.ts';
import { type SystemResult, systemResult } from '../../messages.ts';
import { runInSandbox } from '../../run-in-sandbox.ts';
import { parsePpm, type Picture } from '../picture.ts';

export interface Booted extends SystemResult {
  readonly picture: Picture | undefined;
  /** The checks by their kind. */
  readonly of: Readonly<Record<string, DrillCheck | undefined>>;
}

export class BootBench {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'holdfast-boot-'));

  constructor() {
    chmodSync(this.folder, 0o755);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  image(name: string, bytes: Uint8Array): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, bytes, { mode: 0o444 });
    return file;
  }

  async boot(file: string, wish: object, password: string | null = null): Promise<Booted> {
    const scratchPath = path.join(this.folder, `scratch-${Math.random().toString(36).slice(2)}`);
    mkdirSync(scratchPath, { mode: 0o700 });
    const before = sha256(file);
    const end = await runInSandbox({
      task: {
        kind: 'boot',
        image: file,
        subject: `/vm/${path.basename(file)}`,
        test: bootTest.parse({ image: 'only', memoryMiB: 64, withinSeconds: 60, ...wish }),
        password,
      },
      scratchPath,
      wallClockMs: 180_000,
      outputBytesMax: 256 * 1024 * 1024,
      log: silentLog,
      confinement: { withPrograms: true, withLoopback: true, mayUseKvm: true, readable: [file], cpuSeconds: 180 },
      needs: ['own-files', 'no-network'],
      residentBytesMax: 1024 ** 3,
    });
    if (end.kind !== 'result') throw new Error(JSON.stringify(end));
    expect(sha256(file)).toBe(before);
    const result = systemResult.parse(end.value);
    const picture = result.hasPicture ? parsePpm(readFileSync(path.join(scratchPath, PICTURE_FILE))) : undefined;
    return { ...result, picture, of: Object.fromEntries(result.checks.map((check) => [check.kind, check])) };
  }
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
