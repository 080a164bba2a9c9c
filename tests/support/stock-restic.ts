/** Stock restic as tests run it: whole processes, on repositories in folders. */
import { execFileSync, spawnSync } from 'node:child_process';
import { ensureRestic, type ResticRelease } from '../../tools/test/ensure-restic.ts';

export interface StockRestic {
  /** What it wrote. @throws with its own words when it exits with anything but 0. */
  run(repo: string, ...args: string[]): string;
  /** Its last line of JSON, whatever its exit code. */
  summary(repo: string, ...args: string[]): { readonly status: number | null; readonly [key: string]: unknown };
}

/** 'installed' is the one on PATH. The first use of another one may take half a minute: it is downloaded. */
export function stockRestic(release: ResticRelease | 'installed', password: string): StockRestic {
  const program = release === 'installed' ? 'restic' : ensureRestic(release);
  const env = { ...process.env, RESTIC_PASSWORD: password };
  const all = (repo: string, args: readonly string[]): string[] => ['-r', repo, '--no-cache', ...args];
  return {
    run: (repo, ...args) => execFileSync(program, all(repo, args), { env, encoding: 'utf8', stdio: 'pipe' }),
    summary: (repo, ...args) => {
      const { status, stdout } = spawnSync(program, all(repo, ['--json', ...args]), { env, encoding: 'utf8' });
      return { ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>), status };
    },
  };
}
