/**
 * The command line that a sandbox child is started with. Three layers, each by itself too weak: Node's permission model (a
 * seat belt by its own documentation), a network namespace without network, and resource limits of the kernel. The latter
 * two are used where the machine has them; `describe` says what is in force, for the log and the evidence.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { SANDBOX_LIMITS } from './limits.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CHILD = path.join(import.meta.dirname, 'child.ts');

export interface Confinement {
  readonly program: string;
  readonly args: readonly string[];
  readonly layers: readonly string[];
}

/** `scratchPath`: the one folder in which the child may write; undefined for none. `fileBytesMax`: of any file in it. */
export function confine(options: {
  readonly scratchPath?: string;
  readonly fileBytesMax: number;
  readonly childFile?: string;
}): Confinement {
  const child = options.childFile ?? CHILD;
  const readable = [path.join(ROOT, 'core'), import.meta.dirname, path.dirname(child), ...packageFolders()];
  const node = [
    process.execPath,
    '--permission',
    ...readable.map((folder) => `--allow-fs-read=${folder}/*`),
    ...(options.scratchPath === undefined
      ? []
      : [`--allow-fs-read=${options.scratchPath}/*`, `--allow-fs-write=${options.scratchPath}/*`]),
    `--max-old-space-size=${SANDBOX_LIMITS.heapMiB}`,
    '--disallow-code-generation-from-strings',
    child,
  ];
  const wrappers = available();
  const command = [
    ...(wrappers.network ?? []),
    ...(wrappers.limits === undefined ? [] : [...wrappers.limits, `--fsize=${options.fileBytesMax}`]),
    ...node,
  ];
  return {
    program: command[0]!,
    args: command.slice(1),
    layers: [
      'permission-model',
      ...(wrappers.network === undefined ? [] : ['no-network']),
      ...(wrappers.limits === undefined ? [] : ['resource-limits']),
    ],
  };
}

/** The packages that the child runs beside the checkout's own code, where they really lie. */
function packageFolders(): string[] {
  const zip = createRequire(import.meta.url).resolve('yazl');
  const checksum = createRequire(zip).resolve('buffer-crc32');
  return [
    [zip, 'yazl'],
    [checksum, 'buffer-crc32'],
  ].map(([file, name]) => {
    const real = realpathSync(file!);
    return real.slice(0, real.lastIndexOf(`${path.sep}${name}${path.sep}`) + name!.length + 1);
  });
}

interface Wrappers {
  readonly network: readonly string[] | undefined;
  readonly limits: readonly string[] | undefined;
}

let found: Wrappers | undefined;

/** Tried once a process: user namespaces may be forbidden, and the tools absent. */
function available(): Wrappers {
  if (found !== undefined) return found;
  const works = (command: readonly string[]) =>
    spawnSync(command[0]!, [...command.slice(1), 'true'], { stdio: 'ignore', timeout: 5000 }).status === 0;
  const network = [
    ['unshare', '--user', '--map-current-user', '--net'],
    ['unshare', '--net'],
  ].find(works);
  const limits = ['prlimit', `--cpu=${SANDBOX_LIMITS.cpuSeconds}`, `--nofile=${SANDBOX_LIMITS.openFiles}`, '--core=0'];
  found = { network, limits: works(limits) ? limits : undefined };
  return found;
}
