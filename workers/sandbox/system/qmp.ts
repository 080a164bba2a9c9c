/** QEMU's own protocol for its monitor, over a socket of the scratch folder: lines of JSON. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../../core/base/errors.ts';

const CONNECT_EVERY_MS = 30;
const ANSWER_WITHIN_MS = 30_000;
/** A line of QEMU's is short; the guest has no say in it. */
const LINE_CHARS_MAX = 1024 * 1024;

export interface QmpEvent {
  readonly event: string;
  readonly data: { readonly reason: string | undefined };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Qmp {
  readonly #socket: Socket;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #line = '';

  private constructor(socket: Socket, onEvent: (event: QmpEvent) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => this.#take(piece));
    socket.on('error', () => undefined); // 'close' follows, and says it
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(gone());
      this.#waiting.clear();
    });
  }

  /** `isRunning`: does the emulator still live, so that its socket may come? @throws HoldfastError service_missing. */
  static async connect(path: string, onEvent: (event: QmpEvent) => void, isRunning: () => boolean): Promise<Qmp> {
    const endMs = performance.now() + ANSWER_WITHIN_MS;
    while (isRunning() && performance.now() < endMs) {
      const socket = await tryConnect(path);
      if (socket !== undefined) {
        const qmp = new Qmp(socket, onEvent);
        await qmp.ask('qmp_capabilities');
        return qmp;
      }
      await sleep(CONNECT_EVERY_MS);
    }
    throw gone();
  }

  /** @throws HoldfastError service_missing when it is refused, or the emulator is gone. */
  async ask(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#socket.destroyed) throw gone();
    const id = this.#nextId++;
    const clock = new AbortController();
    try {
      return await Promise.race([
        new Promise((resolve, reject) => {
          this.#waiting.set(id, { resolve, reject });
          this.#socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
        }),
        sleep(ANSWER_WITHIN_MS, undefined, { signal: clock.signal, ref: false }).then(() => {
          throw gone();
        }),
      ]);
    } finally {
      clock.abort();
      this.#waiting.delete(id);
    }
  }

  #take(piece: string): void {
    this.#line += piece;
    const lines = this.#line.split('\n');
    this.#line = lines.pop() ?? '';
    if (this.#line.length > LINE_CHARS_MAX) this.#socket.destroy();
    for (const line of lines) if (line.trim() !== '') this.#handle(line);
  }

  #handle(line: string): void {
    let message: Fields;
    try {
      message = fieldsOf(JSON.parse(line));
    } catch {
      // No emulator writes this: what waits for an answer is told that it is gone.
      this.#socket.destroy();
      return;
    }
    const { event, data, id, error, return: value } = message;
    if (typeof event === 'string') {
      const { reason } = fieldsOf(data);
      this.#onEvent({ event, data: { reason: typeof reason === 'string' ? reason : undefined } });
      return;
    }
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined; // none: its greeting
    if (error === undefined) waiting?.resolve(value);
    else
      waiting?.reject(new HoldfastError('service_missing', `The emulator refused a command: ${JSON.stringify(error)}`));
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** By hand: the confined child may read no library for this. */
function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

function gone(): HoldfastError {
  return new HoldfastError('service_missing', 'The emulator ended, or did not answer.');
}
