/** Programs in the child: run to their end, or kept running beside it. What they print is hostile text and is bounded. */
import { childEnvironment } from '../../../core/base/child-environment.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../../core/base/errors.ts';

export interface ProgramEnd {
  readonly code: number | null;
  readonly output: string;
  /** The end of what it complained about. */
  readonly complaint: string;
  readonly ms: number;
}

/** Answers of statements; a table's name may have 63 bytes, and there are thousands of tables. */
const OUTPUT_BYTES = 16 * 1024 * 1024;
const COMPLAINT_CHARS = 6000;

export interface ProgramTerms {
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input: a file of the scratch folder, or a text. */
  readonly inputFile?: string;
  readonly input?: string;
}

const ENVIRONMENT = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/tmp', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
const environmentWith = (env: ProgramTerms['env']) => childEnvironment({ ...ENVIRONMENT, ...env });
export const PROGRAM_ENVIRONMENT = environmentWith({});

export async function runProgram(
  program: string,
  args: readonly string[],
  { env, inputFile, input }: ProgramTerms = {},
): Promise<ProgramEnd> {
  const startedMs = performance.now();
  const child = spawn(program, [...args], {
    env: environmentWith(env),
    stdio: [inputFile === undefined ? 'pipe' : openSync(inputFile, 'r'), 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => undefined); // a program that ends before it has read all; its exit says more
  child.stdin?.end(input ?? '');
  const output: Buffer[] = [];
  let bytes = 0;
  child.stdout!.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= OUTPUT_BYTES) output.push(piece);
  });
  const complaint = keepEnd(child);
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', (ended) => resolve(ended));
  });
  return {
    code,
    output: Buffer.concat(output).toString('utf8'),
    complaint: complaint(),
    ms: Math.round(performance.now() - startedMs),
  };
}

/** The end of what a program complains about. */
export function keepEnd(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (piece: Buffer) => {
    text = (text + piece.toString('utf8')).slice(-COMPLAINT_CHARS);
  });
  return () => text.trim();
}

const READY_EVERY_MS = 30;
/** A server that has not answered by then has hung; the parent's clock bounds the whole. */
const READY_WITHIN_MS = 90_000;

/** A server of its own, ready to be asked. It ends with the child: they share their processes' namespace. */
export class Server {
  readonly #child: ChildProcess;
  readonly #complaint: () => string;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#complaint = keepEnd(child);
  }

  /** @throws HoldfastError service_missing with what the server said when it does not come up. */
  static async start(
    program: string,
    args: readonly string[],
    isReady: () => Promise<boolean>,
    env?: ProgramTerms['env'],
  ): Promise<Server> {
    const server = new Server(
      spawn(program, [...args], { env: environmentWith(env), stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    const endMs = performance.now() + READY_WITHIN_MS;
    while (!(await isReady())) {
      if (!server.isRunning || performance.now() > endMs) throw notSetUp(program, server.complaint);
      await sleep(READY_EVERY_MS);
    }
    return server;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** The end of its log. */
  get complaint(): string {
    return this.#complaint();
  }
}

/** Text of a program as a check keeps it: without control characters but line breaks, the end of it. */
export function plainOutput(text: string, chars = COMPLAINT_CHARS): string {
  // oxlint-disable-next-line no-control-regex
  return text
    .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
    .trim()
    .slice(-chars);
}

/** A server that cannot be had says nothing about the dump. */
export function notSetUp(server: string, said: string): HoldfastError {
  return new HoldfastError(
    'service_missing',
    `${server} could not be set up where drills run: ${plainOutput(said, 600)}`,
  );
}
