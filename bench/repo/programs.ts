/** The two programs that are compared, each with its own repository, cache and place to restore to. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measurement, measure } from '../measure.ts';

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));

export class Program {
  readonly name: 'restic' | 'holdfast';
  readonly repo: string;
  readonly target: string;
  readonly #passwordFile: string;
  readonly #command: (name: string) => string[];
  readonly #env: Readonly<Record<string, string>>;

  constructor(name: 'restic' | 'holdfast', restic: string, scratch: string, passwordFile: string) {
    this.name = name;
    this.repo = path.join(scratch, name);
    this.target = path.join(scratch, `${name}-restored`);
    this.#passwordFile = passwordFile;
    const repo = ['--repo', this.repo, '--password-file', passwordFile];
    this.#command = (command) =>
      name === 'restic' ? [restic, ...repo, command] : [HOLDFAST, 'repo', command, ...repo];
    // Each with its own cache, as a machine of its own would have.
    const cache = path.join(scratch, `${name}-cache`);
    this.#env = { RESTIC_CACHE_DIR: cache, XDG_CACHE_HOME: cache, RESTIC_PROGRESS_FPS: '0.1' };
  }

  init = async (): Promise<Measurement> => await this.#run('init');
  /** Cuts files where that one's repository does: what a change adds hangs on it, and is chance otherwise. */
  initLike = async ({ repo }: Program): Promise<Measurement> =>
    await this.#run('init', '--copy-chunker-params', '--from-repo', repo, '--from-password-file', this.#passwordFile);
  backup = async (source: string): Promise<Measurement> => await this.#run('backup', source);
  restore = async (): Promise<Measurement> => await this.#run('restore', 'latest', '--target', this.target);
  check = async (): Promise<Measurement> => await this.#run('check', '--read-data');

  async #run(command: string, ...args: string[]): Promise<Measurement> {
    return await measure([...this.#command(command), ...args], this.#env);
  }
}
