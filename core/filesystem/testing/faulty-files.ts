/**
 * A file system with scripted faults, for whole programs: `node --import …/faulty-files.ts program.ts`. Once it is armed,
 * calls of `node:fs` that touch what a test named are counted over all threads, and the Nth of them fails as the system
 * would let it fail. Everything else, the modules that Node loads included, passes through.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

export interface FilePlan {
  /** The Nth call, counted from 1, of those at or below `folder`. 0: count only. */
  readonly nth: number;
  /** From the Nth on. */
  readonly isLasting: boolean;
  readonly code: 'EIO' | 'ENOSPC' | 'EACCES';
  /** Absolute. */
  readonly folder: string;
}

/** The calls that this project makes. Those that only give something back (close, unlink) are left to work. */
const BY_PATH = [
  'openSync',
  'readdirSync',
  'lstatSync',
  'statSync',
  'readlinkSync',
  'mkdirSync',
  'linkSync',
  'symlinkSync',
  'renameSync',
  'lutimesSync',
  'lchownSync',
] as const;
const BY_FILE = [
  'readSync',
  'writeSync',
  'fstatSync',
  'ftruncateSync',
  'fchmodSync',
  'futimesSync',
  'fchownSync',
] as const;
const PROMISED = ['open', 'readdir', 'lstat', 'stat', 'mkdir', 'link', 'rename', 'readFile', 'writeFile'] as const;
const HANDLED = ['read', 'write', 'writeFile', 'sync', 'datasync', 'stat', 'chmod'] as const;

const CODES = ['EIO', 'ENOSPC', 'EACCES'] as const;
const ERRNO: Readonly<Record<FilePlan['code'], number>> = { EIO: -5, ENOSPC: -28, EACCES: -13 };

interface Shared {
  /** By the places below. */
  readonly numbers: Int32Array;
  /** The folder's bytes, up to a zero. */
  readonly folder: Uint8Array;
}
const ARMED = 0;
const CALLS = 1;
const NTH = 2;
const LASTING = 3;
const CODE = 4;
const STRUCK = 5;
const FIELDS = 6;
const FOLDER_BYTES = 1024;
const KEY = 'holdfast-faulty-files';

type Call = (...args: unknown[]) => unknown;
/** The functions by name, as the system made them: their types, so many at once, would help nobody. */
type Calls = Record<string, Call>;

const shared = install();

/** Counting begins anew. */
export function armFiles({ nth, isLasting, code, folder }: FilePlan): void {
  shared.folder.fill(0);
  shared.folder.set(Buffer.from(folder));
  shared.numbers.set([0, 0, nth, isLasting ? 1 : 0, CODES.indexOf(code), 0]);
  Atomics.store(shared.numbers, ARMED, 1);
}

/** Calls that were counted, and faults that struck. */
export function disarmFiles(): { calls: number; struck: number } {
  Atomics.store(shared.numbers, ARMED, 0);
  return { calls: Atomics.load(shared.numbers, CALLS), struck: Atomics.load(shared.numbers, STRUCK) };
}

function install(): Shared {
  const known = getEnvironmentData(KEY) as unknown as Shared | undefined;
  const made = known ?? {
    numbers: new Int32Array(new SharedArrayBuffer(FIELDS * 4)),
    folder: new Uint8Array(new SharedArrayBuffer(FOLDER_BYTES)),
  };
  // Threads that begin later share the very memory.
  if (known === undefined) setEnvironmentData(KEY, made);
  const names = new Map<number, string>();
  const sync = fs as unknown as Calls;
  for (const name of BY_PATH) wrapPath(sync, name, made, names);
  for (const name of BY_FILE) wrapFile(sync, name, made, names);
  const promised = fs.promises as unknown as Calls;
  for (const name of PROMISED) wrapPromised(promised, name, made);
  syncBuiltinESMExports();
  return made;
}

function wrapPath(calls: Calls, name: string, made: Shared, names: Map<number, string>): void {
  const real = calls[name]!.bind(calls);
  calls[name] = (...args) => {
    const path = textOf(args[0]);
    if (path !== undefined) failWhenDue(made, name, path);
    const result = real(...args);
    if (name === 'openSync' && typeof result === 'number' && path !== undefined) names.set(result, path);
    return result;
  };
}

function wrapFile(calls: Calls, name: string, made: Shared, names: Map<number, string>): void {
  const real = calls[name]!.bind(calls);
  calls[name] = (...args) => {
    const path = names.get(args[0] as number);
    if (path !== undefined) failWhenDue(made, name, path);
    return real(...args);
  };
}

function wrapPromised(calls: Calls, name: string, made: Shared): void {
  const real = calls[name]!.bind(calls);
  calls[name] = async (...args) => {
    const path = textOf(args[0]);
    if (path !== undefined) failWhenDue(made, name, path);
    const result = await real(...args);
    if (name === 'open' && path !== undefined) wrapHandle(result as Calls, path, made);
    return result;
  };
}

function wrapHandle(handle: Calls, path: string, made: Shared): void {
  for (const name of HANDLED) {
    const real = handle[name]!.bind(handle);
    handle[name] = async (...args) => {
      failWhenDue(made, `handle.${name}`, path);
      return await real(...args);
    };
  }
}

function textOf(path: unknown): string | undefined {
  if (typeof path === 'string') return path;
  return path instanceof Uint8Array ? Buffer.from(path).toString('utf8') : undefined;
}

function failWhenDue({ numbers, folder }: Shared, call: string, path: string): void {
  if (Atomics.load(numbers, ARMED) === 0) return;
  const watched = Buffer.from(folder.slice(0, folder.indexOf(0))).toString('utf8');
  if (path !== watched && !path.startsWith(`${watched}/`)) return;
  const count = Atomics.add(numbers, CALLS, 1) + 1;
  const nth = Atomics.load(numbers, NTH);
  const isDue = nth > 0 && (Atomics.load(numbers, LASTING) === 1 ? count >= nth : count === nth);
  if (!isDue) return;
  Atomics.add(numbers, STRUCK, 1);
  const code = CODES[Atomics.load(numbers, CODE)]!;
  const message = `${code}: scripted fault, ${call} '${path}'`;
  throw Object.assign(new Error(message), { code, errno: ERRNO[code], syscall: call, path });
}
