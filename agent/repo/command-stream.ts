/** The output of a program, or of the standard input, as a file of a snapshot. No shell lies between: its exit code is the truth. */
import { spawn } from 'node:child_process';
import { HoldfastError } from '../../core/base/errors.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';

/** Of what a program says when it fails, the end counts. */
const STDERR_BYTES = 4096;
/** A program that was told to end has so long before it is ended. */
const KILL_AFTER_MS = 5000;

export function commandStream(path: string, [program = '', ...args]: readonly string[]): StreamSource {
  return {
    path,
    open: async (signal) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = Buffer.alloc(0);
      child.stderr.on('data', (piece: Buffer) => {
        said = Buffer.concat([said, piece]).subarray(-STDERR_BYTES);
      });
      const done = new Promise<void>((resolve, reject) => {
        child.once('error', (cause) => reject(failed(path, `${program} cannot be started (${cause.message})`, cause)));
        child.once('close', (code, killedBy) => {
          const words = said.toString('utf8').trim();
          const how = code === null ? `was ended by ${killedBy}` : `ended with code ${code}`;
          if (code === 0) resolve();
          else reject(failed(path, `${program} ${how}${words === '' ? '' : `: ${words}`}`));
        });
      });
      const stop = (): void => {
        child.kill();
        setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      done.then(
        () => signal.removeEventListener('abort', stop),
        () => signal.removeEventListener('abort', stop),
      );
      return { bytes: child.stdout, done };
    },
  };
}

/** Whether all of it came, nobody can know: whoever needs to gives the command instead. */
export function inputStream(path: string, input: AsyncIterable<Uint8Array>): StreamSource {
  return { path, open: async () => ({ bytes: input, done: Promise.resolve() }) };
}

function failed(path: string, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'source_unreadable',
    `${path}: ${what}. No snapshot was made, for what it gave may not be all. Earlier backups are untouched.`,
    { cause },
  );
}
