/** The way out, walked: the sample of a restore point restored by restic from the kit, read back and hashed. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, publicMessage } from '../../core/base/errors.ts';
import { type HashedFile, hashRestored } from '../../core/filesystem/hash-restored.ts';
import type { DrillAnswer } from '../../core/protocol/drill-answer.ts';
import { literalPattern, resticVersion, type ResticTerms, runRestic } from './restore-with-restic.ts';

export interface ExitDrillOptions extends Omit<ResticTerms, 'homePath'> {
  readonly repositoryId: string;
  readonly snapshotId: string;
  readonly paths: readonly string[];
  readonly nowMs: () => number;
}

/** Paths of one call: a command line has an end. */
const PATHS_AT_ONCE = 200;
const resticConfig = z.object({ id: z.string() });

export type ExitDrillResult = Omit<DrillAnswer, 'version' | 'drillId'>;

/** What went wrong is part of the result. @throws HoldfastError cancelled alone. */
export async function runExitDrill(options: ExitDrillOptions): Promise<ExitDrillResult> {
  const { snapshotId, paths, nowMs, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-exit-drill-'));
  const startedMs = Math.round(nowMs());
  const timingsMs = { locate: 0, transfer: 0, checks: 0 };
  const software: Record<string, string> = {};
  const told = (found: Pick<DrillAnswer, 'files' | 'problem'>): ExitDrillResult => ({
    snapshotId,
    startedMs,
    finishedMs: Math.round(nowMs()),
    timingsMs,
    software,
    damaged: [],
    ...found,
  });
  try {
    const homePath = join(folder, 'home');
    const targetPath = join(folder, 'restored');
    for (const path of [homePath, targetPath]) await mkdir(path, { mode: 0o700 });
    const terms: ResticTerms = { ...options, homePath };
    software.restic = await resticVersion(terms);
    const openedAt = performance.now();
    await requireRepository(terms, options.repositoryId);
    timingsMs.locate = Math.round(performance.now() - openedAt);
    const transferAt = performance.now();
    for (let at = 0; at < paths.length; at += PATHS_AT_ONCE) {
      const include = paths.slice(at, at + PATHS_AT_ONCE).flatMap((path) => ['--include', literalPattern(path)]);
      await runRestic(terms, ['restore', snapshotId, '--target', targetPath, ...include]);
    }
    timingsMs.transfer = Math.round(performance.now() - transferAt);
    const checksAt = performance.now();
    const wanted = paths.map((path) => ({ path }));
    const files: HashedFile[] = await hashRestored(targetPath, wanted, () => undefined);
    timingsMs.checks = Math.round(performance.now() - checksAt);
    return told({ files, problem: null });
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof HoldfastError ? error.code : 'internal';
    return told({ files: [], problem: { code, message: publicMessage(error).slice(0, 2000) } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Another vault would prove nothing about this one. */
async function requireRepository(terms: ResticTerms, repositoryId: string): Promise<void> {
  const out = await runRestic(terms, ['cat', 'config']);
  // Older ones say on the same output that they read the password from their input.
  const config = resticConfig.parse(JSON.parse(out.slice(Math.max(0, out.indexOf('{')))));
  if (config.id === repositoryId) return;
  throw new HoldfastError('bad_request', `The vault at ${terms.vault} is another one than the kit names.`);
}
