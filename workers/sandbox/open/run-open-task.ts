import type { OpenResult, OpenTask, SandboxProgress } from '../messages.ts';
import { PhaseClock } from './phase-clock.ts';

/** In the child: opens one dump, or a set of files, and says what was seen. */
export async function runOpenTask(task: OpenTask, progress: (now: SandboxProgress) => void): Promise<OpenResult> {
  const clock = new PhaseClock((step) => progress({ step, filesDone: 0, bytesDone: 0 }));
  switch (task.what) {
    case 'postgres':
      return await (await import('./open-postgres.ts')).openPostgres(task, clock);
    case 'mariadb':
      return await (await import('./open-mariadb.ts')).openMariadb(task, clock);
    case 'sqlite':
      return (await import('./open-sqlite.ts')).openSqlite(task, clock);
    case 'files':
      return await (await import('./open-files.ts')).openFiles(task, clock);
  }
}
