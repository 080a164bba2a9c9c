/**
 * Restores with stock restic and the recovery kit, and with nothing else: the child gets the vault's place, the password over its
 * input, and an environment without anything of ours. No account, no server, no code of Holdfast takes part in the restore.
 */
import { childEnvironment } from '../../core/base/child-environment.ts';
import { spawn } from 'node:child_process';
import { HoldfastError } from '../../core/base/errors.ts';

export interface ResticTerms {
  readonly program: string;
  /** A folder, or a place as restic names them: gs:BUCKET:/PREFIX. */
  readonly vault: string;
  readonly password: string;
  /** Of the environment, what reaches a bucket; see passedEnvironment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Empty: for what restic would keep in a home folder. */
  readonly homePath: string;
  readonly signal: AbortSignal;
}

export const INSTALL_HINT =
  'Install the package restic: “apt install restic” on Debian and Ubuntu, “dnf install restic” on Fedora; or get it from https://restic.net, and name it with --restic.';

const OUTPUT_CHARS_MAX = 64 * 1024;
/** Standard output. @throws HoldfastError with restic's own words. */
export async function runRestic(terms: ResticTerms, args: readonly string[]): Promise<string> {
  const { program, vault, password, environment, homePath, signal } = terms;
  const all = ['-r', vault, '--no-lock', '--no-cache', ...args];
  const child = spawn(program, all, {
    cwd: homePath,
    env: childEnvironment({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: homePath,
      TMPDIR: homePath,
      ...environment,
    }),
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  // Restic reads the password there when nothing names another place: neither an argument, nor the environment, nor a file.
  child.stdin.on('error', () => undefined); // a child that ends before it has read; its exit says more
  child.stdin.end(`${password}\n`);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out = (out + piece).slice(-OUTPUT_CHARS_MAX);
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err = (err + piece).slice(-OUTPUT_CHARS_MAX);
  });
  const ending = await new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.on('error', (error) => resolve({ code: null, error }));
    child.on('close', (code) => resolve({ code }));
  });
  if (signal.aborted) throw new HoldfastError('cancelled', 'The drill was stopped before its end.');
  if (ending.code === 0) return out;
  if (ending.error !== undefined)
    throw new HoldfastError('service_missing', `${program} cannot be started. ${INSTALL_HINT}`, {
      cause: ending.error,
    });
  const words = err.trim().split('\n').slice(-3).join(' ') || `it ended with code ${ending.code}`;
  const detail = { code: ending.code, stderr: err };
  // Restic's own exit codes: 10 no repository, 12 wrong password.
  if (ending.code === 10)
    throw new HoldfastError('repository_missing', `There is no vault at ${vault}: ${words}`, { detail });
  if (ending.code === 12 || /wrong password/.test(err))
    throw new HoldfastError('wrong_password', `The password of the kit does not open the vault: ${words}`, { detail });
  if (/no such file|does not exist|unable to open config/i.test(err) && args[0] === 'cat')
    throw new HoldfastError('repository_missing', `There is no vault at ${vault}: ${words}`, { detail });
  throw new HoldfastError('repository_damaged', `Restic did not restore it: ${words}`, { detail });
}

/** "restic 0.18.0 compiled with …": the first two words. */
export async function resticVersion(terms: Pick<ResticTerms, 'program' | 'homePath' | 'signal'>): Promise<string> {
  const out = await runRestic({ ...terms, vault: terms.homePath, password: '', environment: {} }, ['version']);
  return out.split(' ').slice(0, 2).join(' ');
}

/** What restic needs to reach a bucket, and nothing else of this process. */
export function passedEnvironment(variable: (name: string) => string | undefined): Record<string, string | undefined> {
  const names = ['GOOGLE_PROJECT_ID', 'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_ACCESS_TOKEN'];
  return Object.fromEntries(names.flatMap((name) => (variable(name) === undefined ? [] : [[name, variable(name)]])));
}

/** A path as a pattern that means this path alone. */
export function literalPattern(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, '\\$&');
}
