/**
 * A small file that the agent writes anew before each run and that every drill restores: it proves that a restore point
 * holds what this machine had at that very run, not an older copy.
 */
import { randomBytes } from 'node:crypto';
import { writeFileAtomic } from './atomic-file.ts';
import { stateFiles } from './state-files.ts';

/** Its path. @throws HoldfastError disk_full; the former canary is still there then. */
export async function rewriteCanary(folder: string, runId: string, nowMs: number): Promise<string> {
  const path = stateFiles.canary(folder);
  const lines = [
    'Holdfast canary. It is rewritten before every backup, and every drill restores it and compares it.',
    `run ${runId}`,
    `written ${new Date(nowMs).toISOString()}`,
    ...Array.from({ length: 32 }, () => randomBytes(48).toString('base64url')),
  ];
  await writeFileAtomic(path, `${lines.join('\n')}\n`);
  return path;
}
