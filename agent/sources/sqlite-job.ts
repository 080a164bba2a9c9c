import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../core/base/errors.ts';
import type { SqliteJob, SqliteReply } from './sqlite-worker.ts';

/**
 * Copies or checks a database in a thread of its own. Returns the version of the library.
 * @throws HoldfastError source_unreadable when it is damaged, no database, or took too long; cancelled.
 */
export async function runSqliteJob(
  job: SqliteJob,
  timeLimitMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: job,
    env: {},
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    const reply = await new Promise<SqliteReply>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(unread(`Work on ${job.file} ended without a word.`)));
      const minutes = Math.round(timeLimitMs / 60_000);
      timer = setTimeout(
        () => reject(unread(`Work on ${job.file} was not done within its time limit of ${minutes} minutes.`)),
        timeLimitMs,
      );
      onAbort = () => reject(new HoldfastError('cancelled', `Work on ${job.file} was stopped before it was done.`));
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
    });
    if (reply.ok) return reply.version;
    throw unread(`${job.file} ${job.kind === 'copy' ? 'could not be copied' : 'is not sound'}: ${reply.message}.`);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

function unread(text: string): HoldfastError {
  return new HoldfastError('source_unreadable', text);
}
