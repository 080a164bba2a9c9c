import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/services/free-port.ts';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServiceOptions {
  dataPath: string;
  protectPath: string;
  /** Free ones by default. */
  port?: number;
  gatewayPort?: number;
  /** On top of this process's own environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
}

export interface SignIn {
  email: string;
  password: string;
}

/** `npm start` as a person runs it, with a data folder, ports and a folder to protect of its own. */
export class TestService {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly dataPath: string;
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #exitCode: number | null | undefined;

  private constructor(child: ChildProcess, dataPath: string, port: number, gatewayPort: number) {
    this.#child = child;
    this.dataPath = dataPath;
    this.url = `http://127.0.0.1:${port}`;
    this.gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#tell();
      });
    }
    this.ended = new Promise((resolve) => {
      // 'close' comes after the last line was read.
      child.once('close', (code) => {
        this.#exitCode = code;
        this.#tell();
        resolve(code);
      });
    });
  }

  static async start(options: ServiceOptions): Promise<TestService> {
    const port = options.port ?? (await freePort());
    const gatewayPort = options.gatewayPort ?? (await freePort());
    const env: NodeJS.ProcessEnv = { ...process.env };
    // What a test runner or a developer has set must not reach the service that is tested.
    for (const name of Object.keys(env)) {
      if (/^(?:HOLDFAST_|DATABASE_|QUEUE_|REDIS_|NEXTAUTH_|GATEWAY_|VITEST|NODE_OPTIONS|NODE_ENV|PG)/.test(name))
        delete env[name];
    }
    Object.assign(env, { PORT: String(port), GATEWAY_PORT: String(gatewayPort) });
    Object.assign(env, { HOLDFAST_DATA: options.dataPath, HOLDFAST_PROTECT: options.protectPath }, options.env);
    for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
    // A process group of its own, so that a test can send what Ctrl-C on a terminal sends.
    const child = spawn('npm', ['start'], { cwd: CHECKOUT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    return new TestService(child, options.dataPath, port, gatewayPort);
  }

  /** The process id of `npm start`. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** The first line that matches; fails with everything that was printed when the service ends or the time is over before. */
  line(pattern: RegExp, timeoutMs = 240_000): Promise<string> {
    return new Promise((resolve, reject) => {
      const give = (result: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        result();
      };
      const look = (): void => {
        const found = this.lines.find((line) => pattern.test(line));
        if (found !== undefined) give(() => resolve(found));
        else if (this.#exitCode !== undefined) {
          give(() =>
            reject(new Error(`npm start ended with code ${this.#exitCode} before ${pattern}:\n${this.output}`)),
          );
        }
      };
      const timer = setTimeout(() => {
        give(() =>
          reject(
            new Error(`npm start did not print ${pattern} within ${timeoutMs} ms:\n${this.output}\n${this.logs()}`),
          ),
        );
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  /** What Ctrl-C does: the signal reaches every process in the foreground. Returns the exit code. */
  async interrupt(): Promise<number | null> {
    if (this.#exitCode === undefined) process.kill(-this.pid, 'SIGINT');
    return this.ended;
  }

  /** What a supervisor of the machine does: the signal reaches npm alone. Returns the exit code. */
  async terminate(): Promise<number | null> {
    if (this.#exitCode === undefined) this.#child.kill('SIGTERM');
    return this.ended;
  }

  /** The sign-ins that the first start wrote down; staff first. */
  signIns(): SignIn[] {
    const text = readFileSync(path.join(this.dataPath, 'sign-ins.txt'), 'utf8');
    return [...text.matchAll(/^ {2}(\S+@\S+)\s+(\S+)/gm)].map(([, email = '', password = '']) => ({ email, password }));
  }

  /** The ends of all logs, for a failing test. */
  logs(): string {
    return ['agent', 'gateway', 'workers', 'portal', 'postgres']
      .map((name) => {
        try {
          return `--- ${name}\n${readFileSync(path.join(this.dataPath, 'logs', `${name}.log`), 'utf8').slice(-2000)}`;
        } catch {
          return `--- ${name}: no log`;
        }
      })
      .join('\n');
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A temporary folder with a `data` folder for the service and a small `protect` folder with real content. */
export function makeServiceFolders(): { folder: string; dataPath: string; protectPath: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-service-'));
  const protectPath = path.join(folder, 'protect');
  writeProtectedFiles(protectPath);
  return {
    folder,
    dataPath: path.join(folder, 'data'),
    protectPath,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A few hundred files: text, bytes that do not compress, empty, one of several chunks, and names that are hard to handle. */
function writeProtectedFiles(protectPath: string): void {
  const write = (file: string, content: string | Buffer): void => {
    mkdirSync(path.dirname(path.join(protectPath, file)), { recursive: true });
    writeFileSync(path.join(protectPath, file), content);
  };
  for (let number = 0; number < 200; number += 1) {
    write(
      `records/2026/patient-${String(number).padStart(3, '0')}.txt`,
      `Record ${number}\n${'visit, noted and paid\n'.repeat(number)}`,
    );
  }
  write('images/x-ray.raw', pseudoRandomBytes(6 * 1024 * 1024, 1));
  write('images/thumbnail.raw', pseudoRandomBytes(40_000, 2));
  write('empty.txt', '');
  write('letters/Åse & søn – "kopi".txt', 'Hello\n');
  write('letters/with spaces/and\nnewline.txt', 'odd name\n');
  write('README.txt', 'The practice keeps its records here.\n');
}

/** The same bytes on every run, and nothing that a compressor could shorten. */
function pseudoRandomBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761;
  for (let offset = 0; offset + 4 <= length; offset += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, offset);
  }
  return bytes;
}
