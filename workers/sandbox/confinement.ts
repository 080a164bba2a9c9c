/**
 * The command line that a sandbox child is started with. Several layers, each by itself too weak: Node's permission model (a
 * seat belt by its own documentation), a file system that holds nothing but what the child needs, another user, no network,
 * and resource limits of the kernel. Those that this machine does not have are named, for the log, the evidence and the page.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { koffiFolders } from '../../core/base/native/koffi-folders.ts';
import type { ConfinementLayer } from '../../core/domain/confinement.ts';
import { SANDBOX_LIMITS } from './limits.ts';
import { prepareChildCode } from './prepare-child-code.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ENTER = path.join(import.meta.dirname, 'enter.sh');
/** Users that no package and no person has (systemd keeps them for services of the moment); below what containers map. */
const USER_FIRST = 61_184;
const USERS = 4_000;

export interface Confinement {
  readonly program: string;
  readonly args: readonly string[];
  readonly layers: readonly ConfinementLayer[];
}

export interface ConfinementOptions {
  /** The one folder in which the child may write; undefined for none. */
  readonly scratchPath?: string;
  /** Of any file that it writes. */
  readonly fileBytesMax: number;
  /** Tests: another program in the child's place, which may read this checkout's code. */
  readonly childFile?: string;
  /** Threads run under the same permissions. */
  readonly mayUseThreads?: boolean;
  /**
   * It may call functions that Node's own binary exports (docs/decisions/0013): several times as fast on every byte. Whoever can
   * call functions is past Node's permissions, so this is granted only where a file system and a network of its own hold too.
   */
  readonly mayUseNative?: boolean;
  /** It may start programs of the system (database servers and the like), which live under the same layers but Node's own. */
  readonly withPrograms?: boolean;
  /** More files and folders that it may read. */
  readonly readable?: readonly string[];
  /** Programs in it may talk to one another over the loopback of its own network. */
  readonly withLoopback?: boolean;
  /** Guest systems run on the processor itself, where this machine lets its users do that. */
  readonly mayUseKvm?: boolean;
  /** Seconds of processor time of each process. */
  readonly cpuSeconds?: number;
  /** Tests: as if the machine had fewer. */
  readonly without?: readonly ConfinementLayer[];
}

export function confine(options: ConfinementOptions): Confinement {
  const code = prepareChildCode();
  const child = options.childFile ?? code.childFile;
  const has = available();
  const may = (layer: ConfinementLayer): boolean => options.without?.includes(layer) !== true;
  const isOwn = has.own !== undefined && may('own-files');
  const isOther = isOwn && has.own?.isOtherUser === true && may('other-user');
  const native = options.mayUseNative === true && isOwn ? koffiFolders() : [];
  const readable = [
    ...code.readable,
    ...(options.childFile === undefined ? [] : [path.join(ROOT, 'core'), import.meta.dirname, path.dirname(child)]),
    ...native,
    ...(options.readable ?? []),
  ];
  const { scratchPath } = options;
  const node = [
    process.execPath,
    '--permission',
    ...readable.flatMap((place) => [`--allow-fs-read=${place}`, `--allow-fs-read=${place}/*`]),
    ...(options.withPrograms === true ? ['--allow-child-process', '--allow-fs-read=/usr/*'] : []),
    ...(scratchPath === undefined ? [] : [`--allow-fs-read=${scratchPath}/*`, `--allow-fs-write=${scratchPath}/*`]),
    ...(options.mayUseThreads === true ? ['--allow-worker'] : []),
    ...(native.length > 0 ? ['--allow-addons'] : []),
    `--max-old-space-size=${SANDBOX_LIMITS.heapMiB}`,
    '--disallow-code-generation-from-strings',
    child,
  ];
  const layers: ConfinementLayer[] = ['permission-model'];
  let command = node;
  if (has.limits !== undefined && may('resource-limits')) {
    layers.push('resource-limits');
    command = [
      ...has.limits(options.cpuSeconds),
      ...(isOther ? [`--nproc=${SANDBOX_LIMITS.processes}`] : []),
      `--fsize=${options.fileBytesMax}`,
      ...command,
    ];
  }
  if (has.own !== undefined && isOwn) {
    layers.push('own-files', 'no-network');
    if (isOther) layers.push('other-user');
    // Servers refuse to run as root. Where the sandbox's user is the service's own, it is called root in there: one more
    // namespace calls it otherwise.
    const isRenamed = options.withPrograms === true && !isOther && process.getuid?.() !== 0;
    const other = String(USER_FIRST + Math.floor(Math.random() * USERS));
    const user = isOther ? other : isRenamed ? `=${USER_FIRST}` : '';
    const places = [...new Set([process.execPath, ...readable])];
    const extras = [
      ...(options.withLoopback === true ? ['loopback'] : []),
      ...(options.mayUseKvm === true && isKvmUsable(isOther) ? ['kvm'] : []),
    ].join(' ');
    const enter = ['sh', ENTER, has.own.root, scratchPath ?? '', user, extras, ...places, '--'];
    command = [...has.own.unshare, ...enter, ...command];
  } else if (has.network !== undefined && may('no-network')) {
    layers.push('no-network');
    command = [...has.network, ...command];
  }
  // Last, so that it is the first of them: a child that computes without end hears no pipe close when its worker is killed.
  command = [...has.dying, ...command];
  return { program: command[0]!, args: command.slice(1), layers };
}

interface Wrappers {
  /** Namespaces for a file system of its own; they bring no network either. */
  readonly own:
    | { readonly unshare: readonly string[]; readonly root: string; readonly isOtherUser: boolean }
    | undefined;
  readonly network: readonly string[] | undefined;
  /** The kernel ends the command when the process that started it has ended. Empty where it cannot be asked to. */
  readonly dying: readonly string[];
  readonly limits: ((cpuSeconds?: number) => readonly string[]) | undefined;
}

let found: Wrappers | undefined;

/** Tried once a process: namespaces may be forbidden, and the tools absent. */
function available(): Wrappers {
  if (found !== undefined) return found;
  const works = (command: readonly string[]) =>
    spawnSync(command[0]!, command.slice(1), { stdio: 'ignore', timeout: 5000 }).status === 0;
  const limits = (cpuSeconds: number = SANDBOX_LIMITS.cpuSeconds) => [
    'prlimit',
    `--cpu=${cpuSeconds}`,
    `--nofile=${SANDBOX_LIMITS.openFiles}`,
    '--core=0',
  ];
  const network = [
    ['unshare', '--user', '--map-current-user', '--net'],
    ['unshare', '--net'],
  ].find((command) => works([...command, 'true']));
  const dying = ['setpriv', '--pdeathsig', 'KILL'];
  found = {
    dying: works([...dying, 'true']) ? dying : [],
    own: ownFiles(works),
    network,
    limits: works([...limits(), 'true']) ? limits : undefined,
  };
  return found;
}

/** As root the child becomes another user; otherwise it is the service's own, shut into a file system without its data. */
function ownFiles(works: (command: readonly string[]) => boolean): Wrappers['own'] {
  const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child'];
  const isRoot = process.getuid?.() === 0;
  const unshare = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), ...namespaces];
  const root = mkdtempSync(path.join(tmpdir(), 'holdfast-root-'));
  process.once('exit', () => {
    try {
      rmdirSync(root);
    } catch {
      // an empty folder in the machine's temporary one stays behind
    }
  });
  if (!works([...unshare, 'sh', ENTER, root, '', isRoot ? String(USER_FIRST) : '', '', '--', 'true'])) return undefined;
  return { unshare, root, isOtherUser: isRoot };
}

/** Another user has no group that could open the device: everybody must be allowed to. */
function isKvmUsable(isOtherUser: boolean): boolean {
  try {
    if (isOtherUser) return (statSync('/dev/kvm').mode & 0o006) === 0o006;
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
