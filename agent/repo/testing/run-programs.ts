/** `holdfast repo` and stock restic on one repository, as whole programs. For tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cheapenKey } from '../../../core/repository/testing/cheapen-key.ts';

export const HOLDFAST = fileURLToPath(new URL('../../../bin/holdfast', import.meta.url));

export type Line = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Ran {
  readonly status: number | null;
  readonly out: Buffer;
  readonly err: string;
  /** The lines of standard output, or without any there of standard error, as the objects that --json makes of them. */
  lines(): Line[];
  ofType(type: string): Line[];
}

export interface Programs {
  /** A folder of this test's own; the repository is `repo` in it. */
  readonly scratch: string;
  /** Arguments that name the repository and its password, for a process that a test starts by itself. */
  readonly common: readonly string[];
  holdfast(command: string, ...args: readonly string[]): Ran;
  /** @throws with restic's own words when it exits with anything but 0. */
  restic(...args: readonly string[]): Buffer;
  remove(): void;
}

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** A repository that stock restic made. */
export async function startPrograms(name: string): Promise<Programs> {
  const scratch = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  const passwordFile = join(scratch, 'password');
  writeFileSync(passwordFile, 'a password\n');
  const common = ['--repo', join(scratch, 'repo'), '--password-file', passwordFile];
  const restic = (...args: readonly string[]): Buffer =>
    execFileSync('restic', [...common, '--no-cache', ...args], {
      cwd: scratch,
      stdio: 'pipe',
      maxBuffer: OUTPUT_BYTES_MAX,
    });
  restic('init');
  await cheapenKey(join(scratch, 'repo'), 'a password');
  return {
    scratch,
    common,
    restic,
    holdfast: (command, ...args) => {
      const run = spawnSync(HOLDFAST, ['repo', command, ...common, ...args], { maxBuffer: OUTPUT_BYTES_MAX });
      const err = run.stderr.toString('utf8');
      const lines = (): Line[] => {
        const said = run.stdout.length > 0 ? run.stdout.toString('utf8') : err;
        return said.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
      };
      return {
        status: run.status,
        out: run.stdout,
        err,
        lines,
        ofType: (type) => lines().filter((line) => line.type === type),
      };
    },
    remove: () => {
      execFileSync('chmod', ['-R', 'u+rwX', scratch]);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
