/**
 * Runs one task in a sandbox child and survives whatever the child does: hang, die, run out of memory, lie. The parent holds
 * the store; the child can only ask for objects of the one vault, by name.
 */
import { childEnvironment } from '../../core/base/child-environment.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Duplex, Readable } from 'node:stream';
import type { ErrorCode } from '../../core/base/errors.ts';
import { HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { ConfinementLayer } from '../../core/domain/confinement.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { confine, type ConfinementOptions } from './confinement.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { SANDBOX_LIMITS } from './limits.ts';
import { type ChildMessage, childMessage, type SandboxProgress, type SandboxTask } from './messages.ts';
import { Rooms } from './rooms.ts';
import { BodyPlaces } from './body-places.ts';

export type BrokenReason =
  | 'timeout'
  | 'memory'
  | 'exit'
  | 'protocol'
  | 'scratch'
  | 'cancelled'
  | 'output'
  | 'forbidden';

export type SandboxEnd =
  /** The child's answer, not yet parsed. */
  | { readonly kind: 'result'; readonly value: unknown; readonly layers: readonly string[] }
  /** The child says why it could not do the task. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly layers: readonly string[] }
  /** The child did not keep to its rules, or was stopped. Says nothing about the data. */
  | {
      readonly kind: 'broken';
      readonly reason: BrokenReason;
      readonly message: string;
      /** The child's own doing: it had begun, and it did not wait for a storage that does not answer. */
      readonly isOwnDoing: boolean;
      readonly layers: readonly string[];
    };

export interface SandboxOptions {
  readonly task: SandboxTask;
  /** Of this vault alone: keys are relative to its prefix. Without one, the child has nothing but its scratch folder. */
  readonly store?: ReadStore;
  readonly scratchPath?: string;
  readonly wallClockMs: number;
  /** What the child may write at most: to the scratch folder, as one file, or to its output. */
  readonly outputBytesMax: number;
  /** Asked up to four times a second; true ends the child (the scratch folder has grown too large). */
  readonly isScratchOver?: () => Promise<boolean>;
  readonly onProgress?: (progress: SandboxProgress) => void;
  /** Hears of the objects that a decrypt task found intact. Its failure ends the child. */
  readonly onChecked?: (keys: readonly string[]) => void;
  /** The size of an object that is read whole, where asking the store for it would cost a reading. */
  readonly sizeOf?: (key: string) => number | undefined;
  /** Takes the bytes that a download task writes; its failure ends the child. */
  readonly takeOutput?: (pieces: AsyncIterable<Buffer>) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly log: Log;
  /** Tests: another program in the child's place. */
  readonly childFile?: string;
  readonly residentBytesMax?: number;
  /** What the child may do beside reading its own code: confinement.ts. */
  readonly confinement?: Pick<
    ConfinementOptions,
    'withPrograms' | 'withLoopback' | 'mayUseKvm' | 'readable' | 'cpuSeconds' | 'without'
  >;
  /** Layers without which the child is not started at all; it then ends as broken, 'forbidden'. */
  readonly needs?: readonly ConfinementLayer[];
}

/**
 * The C library's own settings for a child that reads many packs: it ends soon, so what it has freed is kept and used again
 * instead of going back to the system, which clears every page before it gives it out anew.
 */
const KEEPS_MEMORY = {
  MALLOC_ARENA_MAX: 1,
  MALLOC_MMAP_THRESHOLD_: 32 * 1024 * 1024,
  MALLOC_TRIM_THRESHOLD_: 512 * 1024 * 1024,
};

/** Tasks that decode so much that threads and the way to native code pay: the others get neither. */
const READS_MUCH: ReadonlySet<SandboxTask['kind']> = new Set(['decrypt', 'drill']);

export async function runInSandbox(options: SandboxOptions): Promise<SandboxEnd> {
  const command = confine({
    ...(options.scratchPath === undefined ? {} : { scratchPath: options.scratchPath }),
    ...(options.childFile === undefined ? {} : { childFile: options.childFile }),
    fileBytesMax: options.outputBytesMax,
    ...options.confinement,
    mayUseThreads: READS_MUCH.has(options.task.kind),
    mayUseNative: READS_MUCH.has(options.task.kind),
  });
  if (options.needs?.some((layer) => !command.layers.includes(layer)) === true)
    return {
      kind: 'broken',
      reason: 'forbidden',
      message: 'The machine that runs drills forbids the sandbox that this needs.',
      isOwnDoing: false,
      layers: [],
    };
  const bodies = READS_MUCH.has(options.task.kind) ? BodyPlaces.open() : undefined;
  const child = spawn(command.program, [...command.args], {
    cwd: options.scratchPath ?? '/',
    // Nothing of the service's environment: no address, no password, no key.
    env: childEnvironment({
      ...(READS_MUCH.has(options.task.kind) ? KEEPS_MEMORY : {}),
      PATH: '/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin',
      TZ: 'UTC',
    }),
    // The last is BODIES_DESCRIPTOR.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', bodies?.readOnly],
  });
  return await new Session(options, child, command.layers, bodies).end();
}

/** What the taker of a download's bytes sees instead of their end, when there is no whole file. */
class UnfinishedOutput extends Error {
  constructor() {
    super('the sandbox did not finish its output');
  }
}

class Session {
  readonly #options: SandboxOptions;
  readonly #child: ChildProcess;
  readonly #layers: readonly string[];
  readonly #reader = new FrameReader({ headerBytesMax: SANDBOX_LIMITS.headerBytes, bodyBytesMax: 0 });
  readonly #pipe: Duplex;
  readonly #rooms = new Rooms();
  readonly #bodies: BodyPlaces | undefined;
  #pending = 0;
  #isWatching = false;
  #stderr = '';
  #answer: Extract<ChildMessage, { type: 'result' | 'error' }> | undefined;
  #hasBegun = false;
  #broken: { reason: BrokenReason; message: string; isOwnDoing: boolean } | undefined;
  /** What a listener threw: its owner wants it back. */
  #stopped: { readonly error: unknown } | undefined;

  constructor(options: SandboxOptions, child: ChildProcess, layers: readonly string[], bodies: BodyPlaces | undefined) {
    this.#bodies = bodies;
    this.#options = options;
    this.#child = child;
    this.#layers = layers;
    this.#pipe = child.stdio[3] as Duplex; // 'pipe' above
  }

  async end(): Promise<SandboxEnd> {
    const { task, signal, takeOutput } = this.#options;
    const exited = new Promise<string>((resolve) => {
      this.#child.on('error', (error) => resolve(`could not be started: ${error.message}`));
      this.#child.on('close', (code, killed) =>
        resolve(killed === null ? `ended with code ${code}` : `ended by ${killed}`),
      );
    });
    this.#child.stderr?.on('data', (piece: Buffer) => {
      if (this.#stderr.length < SANDBOX_LIMITS.stderrBytes) this.#stderr += piece.toString('utf8');
    });
    this.#pipe.on('data', (piece: Buffer) => this.#take(piece));
    this.#pipe.on('error', () => undefined); // a child that ends while it is written to; its exit says more
    this.#write({ ...task });

    const onAbort = (): void => this.#break('cancelled', 'The work was stopped before its end.');
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const clock = setTimeout(
      () =>
        this.#break('timeout', `The sandbox did not finish within ${Math.round(this.#options.wallClockMs / 1000)} s.`),
      this.#options.wallClockMs,
    );
    const watch = setInterval(() => void this.#watch(), SANDBOX_LIMITS.residentCheckMs);
    const output = this.#child.stdio[4] as Readable; // 'pipe' above
    output.on('error', () => undefined);
    const taken = takeOutput === undefined ? undefined : this.#takeOutput(output, takeOutput);
    if (taken === undefined) output.resume();
    try {
      const ending = await exited;
      await taken;
      if (this.#stopped !== undefined) throw this.#stopped.error;
      return this.#conclude(ending);
    } finally {
      this.#rooms.close();
      this.#bodies?.close();
      clearTimeout(clock);
      clearInterval(watch);
      signal?.removeEventListener('abort', onAbort);
      this.#child.kill('SIGKILL');
    }
  }

  async #takeOutput(output: Readable, take: (pieces: AsyncIterable<Buffer>) => Promise<void>): Promise<void> {
    const { outputBytesMax } = this.#options;
    // oxlint-disable-next-line typescript/no-this-alias -- a generator function has a `this` of its own
    const session = this;
    const checked = async function* () {
      let bytes = 0;
      for await (const piece of output as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > outputBytesMax) {
          session.#break('output', 'The sandbox wrote more than it may.');
          break;
        }
        yield piece;
      }
      await session.#ended;
      // What was cut off must not be kept: the taker sees an error instead of an end.
      if (session.#answer?.type !== 'result') throw new UnfinishedOutput();
    };
    try {
      await take(checked());
    } catch (error) {
      // Told by the child's answer, or by the want of one, better than by this.
      if (error instanceof UnfinishedOutput || this.#answer?.type === 'error') return;
      this.#break('output', publicMessage(error));
    }
  }

  /** When the pipe has told everything: the answer, if there is one, has been read. */
  get #ended(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pipe.readableEnded || this.#pipe.destroyed) resolve();
      else {
        this.#pipe.once('end', () => resolve());
        this.#pipe.once('close', () => resolve());
      }
    });
  }

  #conclude(ending: string): SandboxEnd {
    const layers = this.#layers;
    if (this.#stderr !== '' && this.#answer?.type !== 'result')
      this.#options.log.warn({ stderr: this.#stderr, ending }, 'sandbox child reported');
    if (this.#broken !== undefined) return { kind: 'broken', ...this.#broken, layers };
    if (this.#answer === undefined) {
      const isMemory = /heap out of memory|allocation failed/i.test(this.#stderr);
      const found = isMemory
        ? ({ reason: 'memory', message: 'The sandbox ran out of memory.' } as const)
        : ({ reason: 'exit', message: `The sandbox ended without an answer (it ${ending}).` } as const);
      return { kind: 'broken', ...found, isOwnDoing: isMemory || this.#hasBegun, layers };
    }
    if (this.#answer.type === 'error')
      return { kind: 'refused', code: this.#answer.code, message: this.#answer.message, layers };
    return { kind: 'result', value: this.#answer.value, layers };
  }

  #take(piece: Buffer): void {
    if (this.#broken !== undefined) return;
    try {
      for (const frame of this.#reader.push(piece)) {
        this.#hasBegun = true;
        this.#handle(frame);
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'sandbox child broke the protocol');
      this.#break('protocol', 'The sandbox answered with something that is no answer.');
    }
  }

  #handle(frame: Frame): void {
    const message = childMessage.parse(frame.header);
    if (this.#answer !== undefined) throw new Error('a message after the answer');
    switch (message.type) {
      case 'progress': {
        const { type: _, ...now } = message;
        this.#options.onProgress?.(now);
        break;
      }
      case 'checked':
        try {
          this.#options.onChecked?.(message.keys);
        } catch (error) {
          this.#stopped = { error };
          this.#break('cancelled', 'The work was stopped before its end.');
        }
        break;
      case 'release':
        if (this.#bodies === undefined) throw new RangeError('a place that was not given');
        this.#bodies.release(message.at);
        break;
      case 'result':
      case 'error':
        this.#answer = message;
        break;
      default:
        if (this.#pending >= SANDBOX_LIMITS.pendingRequests) throw new Error('too many open requests');
        this.#pending++;
        void this.#serve(message).finally(() => this.#pending--);
    }
  }

  async #serve(request: Extract<ChildMessage, { id: number }>): Promise<void> {
    const { id } = request;
    try {
      const { value, body } = await this.#read(request);
      const at = body && (await this.#bodies?.put(body));
      if (body === undefined || at === undefined) return this.#write({ id, ok: true, value }, body);
      this.#write({ id, ok: true, value, placed: { at, length: body.length } });
      this.#rooms.giveBack(body);
    } catch (error) {
      const code = isHoldfastError(error) ? error.code : 'storage_unavailable';
      this.#write({ id, ok: false, code, message: publicMessage(error) });
    }
  }

  async #read(request: Extract<ChildMessage, { id: number }>): Promise<{ value: unknown; body?: Uint8Array }> {
    const { store } = this.#options;
    if (store === undefined) throw new HoldfastError('forbidden', 'This task reads no vault.');
    if (request.type === 'head') return { value: (await store.head(request.key)) ?? null };
    if (request.type === 'list') {
      const objects = [];
      for await (const { key, size } of store.list(request.prefix)) objects.push({ key, size });
      return { value: objects };
    }
    const { key, range } = request;
    const size = range?.length ?? this.#options.sizeOf?.(key) ?? (await store.head(key))?.size ?? 0;
    if (size > SANDBOX_LIMITS.readBytes) throw new RangeError('a read over the limit');
    // A store that tries again asks again.
    let room: Uint8Array | undefined;
    const body = await store.get(key, range ?? undefined, (bytes) => {
      if (room?.length !== bytes) room = this.#rooms.take(bytes);
      return room;
    });
    return { value: null, body };
  }

  #write(header: unknown, body?: Uint8Array): void {
    if (this.#pipe.destroyed) return;
    const [head, own] = encodeFrame(header, body);
    this.#pipe.write(head!);
    // Packs that wait for the garbage collector would make it look through everything this process holds, again and again.
    if (own !== undefined) this.#pipe.write(own, () => this.#rooms.giveBack(body!));
  }

  async #watch(): Promise<void> {
    // A large folder takes longer to measure than the time between two looks.
    if (this.#isWatching) return;
    this.#isWatching = true;
    await this.#look().finally(() => (this.#isWatching = false));
  }

  async #look(): Promise<void> {
    const resident = await residentBytes(this.#child.pid);
    if (resident > (this.#options.residentBytesMax ?? SANDBOX_LIMITS.residentBytes))
      this.#break('memory', 'The sandbox used more memory than it may.');
    if (await this.#options.isScratchOver?.())
      this.#break('scratch', 'The sandbox wrote more to its folder than it may.');
  }

  #break(reason: BrokenReason, message: string): void {
    const isOwnDoing = reason === 'timeout' ? this.#pending === 0 : reason !== 'cancelled';
    this.#broken ??= { reason, message, isOwnDoing };
    this.#child.kill('SIGKILL');
    this.#pipe.destroy();
  }
}

/**
 * Of the child and all that it started: what is theirs alone, and the shared memory of the one that has most of it (the
 * processes of a database server share theirs). 0 where the system does not tell (anything but Linux) or they are gone.
 */
async function residentBytes(pid: number | undefined): Promise<number> {
  let own = 0;
  let shared = 0;
  for (const one of pid === undefined ? [] : await familyOf(pid)) {
    const status = await readFile(`/proc/${one}/status`, 'utf8').catch(() => '');
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    own += bytes('RssAnon') + bytes('RssFile');
    shared = Math.max(shared, bytes('RssShmem'));
  }
  return own + shared;
}

/** Itself and its descendants; a process whose parent has ended belongs to the first one of the sandbox. */
async function familyOf(pid: number): Promise<number[]> {
  const family = [pid];
  // Grows while it is walked.
  for (const one of family) {
    const children = (await childrenOf(one)) ?? (await childrenByParent()).get(one) ?? [];
    family.push(...children);
  }
  return family;
}

/** As the kernel lists them, thread by thread; undefined where it was built without that list. */
async function childrenOf(pid: number): Promise<number[] | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map(async (thread) => {
      try {
        return await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8');
      } catch {
        return existsSync(OWN_CHILDREN) ? '' : undefined; // a thread that has ended meanwhile has none
      }
    }),
  );
  if (lists.includes(undefined)) return undefined;
  return lists.flatMap((list) => (list ?? '').split(' ').filter((text) => /^\d+$/.test(text))).map(Number);
}

const OWN_CHILDREN = `/proc/self/task/${process.pid}/children`;

/** Of every process of the machine: what there is without the list. */
async function childrenByParent(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>();
  const names = await readdir('/proc').catch(() => []);
  const all = names.filter((name) => /^\d+$/.test(name)).map(Number);
  await Promise.all(
    all.map(async (one) => {
      const stat = await readFile(`/proc/${one}/stat`, 'utf8').catch(() => '');
      // The name is in parentheses and may hold anything: the last one ends it.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), one]);
    }),
  );
  return children;
}
