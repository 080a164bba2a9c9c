import { open } from 'node:fs/promises';

/**
 * Makes directory entries durable, grouped: while one fsync of a directory is under way, all who come meanwhile share the
 * next one. With many creates in parallel this is one fsync a round instead of one a file, and no create is answered before
 * a sync that began after its entry was written.
 */
export function createDirectorySync(): (directory: string) => Promise<void> {
  const states = new Map<string, { running: Promise<void>; next: Promise<void> | undefined }>();

  const start = (directory: string): Promise<void> => {
    const running = syncDirectory(directory);
    const state = { running, next: undefined };
    states.set(directory, state);
    const done = (): void => {
      if (states.get(directory) === state && state.next === undefined) states.delete(directory);
    };
    running.then(done, done);
    return running;
  };

  return (directory) => {
    const state = states.get(directory);
    if (state === undefined) return start(directory);
    state.next ??= state.running.then(
      () => start(directory),
      () => start(directory),
    );
    return state.next;
  };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a directory; they write entries through on their own.
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
