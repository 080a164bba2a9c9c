/** A thread that copies or checks one SQLite database: its library works in long calls, which must not hold up the agent. */
import { parentPort, workerData } from 'node:worker_threads';

export type SqliteJob =
  | {
      readonly kind: 'copy';
      readonly file: string;
      readonly copy: string;
      /** How long a writer that locks the database is waited for. */
      readonly busyMs: number;
    }
  | { readonly kind: 'check'; readonly file: string; readonly busyMs: number };

/** `version` is that of the library. */
export type SqliteReply =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly message: string };

/** Pages a step: between two steps the thread can be ended. */
const PAGES_A_STEP = 2048;

async function work(job: SqliteJob): Promise<SqliteReply> {
  if (job.kind === 'check') return await check(job.file, job.busyMs);
  // Loaded here, so that its notice of being new goes to this thread's standard error, which nobody shows.
  const { DatabaseSync, backup } = await import('node:sqlite');
  const source = new DatabaseSync(job.file, { readOnly: true, timeout: job.busyMs });
  try {
    // One transaction over the whole copy: writers of other programs neither restart it nor get into it.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    await backup(source, job.copy, { rate: PAGES_A_STEP });
  } finally {
    source.close();
  }
  return await check(job.copy, job.busyMs);
}

async function check(file: string, busyMs: number): Promise<SqliteReply> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file, { timeout: busyMs });
  try {
    const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (verdict !== 'ok') return { ok: false, message: `the database is damaged: ${String(verdict)}` };
    const version = database.prepare('SELECT sqlite_version() AS version').get()?.version;
    return { ok: true, version: String(version) };
  } finally {
    database.close();
  }
}

const reply = await work(workerData as SqliteJob).catch(
  (error: unknown): SqliteReply => ({ ok: false, message: error instanceof Error ? error.message : String(error) }),
);
parentPort?.postMessage(reply);
