import { spawn } from 'node:child_process';
import { HoldfastError } from '../../core/base/errors.ts';
import { killGroup } from '../services/process-identity.ts';

/** How much of a failing command's output is shown. */
const OUTPUT_CHARACTERS = 4000;

/**
 * Runs a command to its end and returns what it printed. Throws HoldfastError 'cancelled' when the signal ends it, and
 * 'internal' with the end of its output when it fails.
 */
export function runTask(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; signal: AbortSignal; sentence: string },
): Promise<string> {
  const { cwd, env, signal, sentence } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new HoldfastError('cancelled', 'The service is being stopped.'));
      return;
    }
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const abort = (): void => killGroup(child.pid ?? 0);
    signal.addEventListener('abort', abort);
    const end = (code: number | null, reason = ''): void => {
      signal.removeEventListener('abort', abort);
      const output = `${Buffer.concat(chunks).toString('utf8')}${reason}`;
      if (code === 0) resolve(output);
      else if (signal.aborted) reject(new HoldfastError('cancelled', 'The service is being stopped.'));
      else reject(new HoldfastError('internal', `${sentence}\n${output.trim().slice(-OUTPUT_CHARACTERS)}`));
    };
    child.once('error', (error) => end(127, error.message));
    child.once('close', (code) => end(code));
  });
}
