/** A server program of the system, run by a test in a folder of its own and as a user that it accepts. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The named account when the tests run as root, else their own. */
export function serverAccount(name: string): Account {
  const own = process.getuid?.() ?? 0;
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user = '', , uid, gid] = line.split(':');
    if (own === 0 ? user === name : Number(uid) === own) return { name: user, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`this machine has no account ${name}: install the package that brings it`);
}

/** A folder that the account owns and that others may pass through. */
export function serverFolder(prefix: string, account: Account): string {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  for (const name of ['', 'data', 'socket']) {
    mkdirSync(path.join(folder, name), { recursive: true });
    chownSync(path.join(folder, name), account.uid, account.gid);
  }
  return folder;
}

/** The newest match of a pattern such as /usr/lib/postgresql/*\/bin/postgres. */
export function newestProgram(pattern: string): string {
  const number = (file: string): number => Number(/\d+/.exec(file)?.[0] ?? 0);
  const [newest] = globSync(pattern).sort((a, b) => number(b) - number(a));
  if (newest === undefined) throw new Error(`there is no ${pattern}: npm test installs what the tests need`);
  return newest;
}

export function runAs(account: Account, program: string, args: readonly string[]): string {
  const { uid, gid } = account;
  return execFileSync(program, [...args], { uid, gid, cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export class PrivateServer {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;

  private constructor(folder: string, child: ChildProcess, stopSignal: NodeJS.Signals) {
    this.folder = folder;
    this.#child = child;
    this.#stopSignal = stopSignal;
  }

  /** Resolves when `isReady` no longer throws. */
  static async start(options: {
    readonly folder: string;
    readonly account: Account;
    readonly program: string;
    readonly args: readonly string[];
    readonly stopSignal: NodeJS.Signals;
    readonly isReady: () => void;
  }): Promise<PrivateServer> {
    const { folder, account, program, args, stopSignal, isReady } = options;
    const { uid, gid } = account;
    const child = spawn(program, [...args], { uid, gid, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => {
      said = (said + piece.toString()).slice(-4000);
    });
    const server = new PrivateServer(folder, child, stopSignal);
    for (const endMs = performance.now() + 40_000; ; ) {
      try {
        isReady();
        return server;
      } catch (error) {
        if (child.exitCode === null && performance.now() < endMs) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          continue;
        }
        await server.stop();
        throw new Error(`${program} did not get ready:\n${said}`, { cause: error });
      }
    }
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill(this.#stopSignal);
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
