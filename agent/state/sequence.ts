/**
 * The heartbeat's sequence number. It must grow with every heartbeat, also on a full disk, for a number that comes twice
 * tells the server that this machine was cloned. So it lives in a small file of fixed size that is overwritten in place
 * (that needs no new block) and is synced before the number is used.
 */
import { open } from 'node:fs/promises';
import { FILE_MODE, readFileIfPresent, stateWriteError, writeFileAtomic } from './atomic-file.ts';
import { stateFiles } from './state-files.ts';

const WIDTH = 20;
const format = (value: number): string => `${String(value).padStart(WIDTH, '0')}\n`;

export async function createSequence(folder: string): Promise<void> {
  await writeFileAtomic(stateFiles.sequence(folder), format(0));
}

/** The number of the next heartbeat, durable before this resolves. A lost file starts at the clock, which is always ahead. */
export async function nextSequence(folder: string, nowMs: number): Promise<number> {
  const path = stateFiles.sequence(folder);
  const text = (await readFileIfPresent(path))?.toString('latin1').trim() ?? '';
  // Seconds since the epoch exceed any number that one heartbeat in two seconds could have reached.
  const isWhole = text.length === WIDTH && /^\d+$/.test(text);
  const former = isWhole ? Number(text) : Math.floor(nowMs / 1000);
  const next = former + 1;
  if (!isWhole) {
    await writeFileAtomic(path, format(next));
    return next;
  }
  try {
    const file = await open(path, 'r+', FILE_MODE);
    try {
      await file.write(Buffer.from(format(next), 'latin1'), 0, WIDTH + 1, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw stateWriteError(error, path);
  }
  return next;
}
