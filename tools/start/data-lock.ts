import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { isSameProcess, processIdentity, type ProcessRecord } from '../services/process-identity.ts';

export interface DataLock {
  /** Whether a start that crashed had left its lock behind. */
  wasStale: boolean;
  release(): void;
}

/**
 * Keeps a second start out of the data folder. The lock names a process by its id and the moment of its start, so that
 * after a crash, or when the machine was restarted and somebody else has that id, it is known to be stale and is replaced.
 *
 * Throws HoldfastError 'conflict' while the other start runs.
 */
export function lockDataFolder(dataPath: string): DataLock {
  const lockPath = path.join(dataPath, 'lock');
  const mine: ProcessRecord = { name: 'npm start', pid: process.pid, identity: processIdentity(process.pid) ?? '' };
  const draft = path.join(dataPath, `lock.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(mine)}\n`, { mode: 0o600 });
  let wasStale = false;
  try {
    for (;;) {
      try {
        linkSync(draft, lockPath); // fails when there is a lock, and shows a whole file when there is none
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = readOwner(lockPath);
      if (owner !== undefined && isSameProcess(owner)) {
        throw new HoldfastError(
          'conflict',
          `Holdfast runs on ${dataPath} already (process ${owner.pid}). Stop that one with Ctrl-C, or set HOLDFAST_DATA to another folder, and PORT and GATEWAY_PORT to other ports.`,
        );
      }
      wasStale = true;
      rmSync(lockPath, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    wasStale,
    release: () => {
      if (readOwner(lockPath)?.pid === process.pid) rmSync(lockPath, { force: true });
    },
  };
}

/** Undefined when the lock is gone or its content is not one of ours (a full disk may have cut it). */
function readOwner(lockPath: string): ProcessRecord | undefined {
  try {
    const owner = JSON.parse(readFileSync(lockPath, 'utf8')) as ProcessRecord;
    return Number.isInteger(owner.pid) && typeof owner.identity === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}
