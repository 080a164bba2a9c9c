/**
 * Database servers that run on a Linux machine: PostgreSQL, MySQL and MariaDB, by their processes and by the sockets they listen on.
 * What a process holds is shown to those alone who might trace it, which the agent's unit of systemd does not let it; then it sees names
 * and arguments of processes and all sockets, and takes a process and a socket of one kind for one server. SQLite is a file, and no server.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DATABASES_MAX, type FoundDatabase } from '../../core/protocol/inventory.ts';
import { reportable } from './reportable.ts';

type Kind = FoundDatabase['kind'];

/** As the kernel names them, cut after 15 letters. */
const PROGRAMS: Readonly<Record<string, Kind>> = {
  postgres: 'postgres',
  postmaster: 'postgres',
  mysqld: 'mysql',
  mariadbd: 'mysql',
};
const POSTGRES_SOCKET = /^(\/.*)\/\.s\.PGSQL\.(\d{1,5})$/;
/** Not mysqlx.sock: another door of the same server. */
const MYSQL_SOCKET = /^\/.*(?:mysqld?|mariadbd?)[^/x]*\.sock$/;
/** Docker, containerd, Podman and Kubernetes name the group of a container after its id. */
const CONTAINER_GROUP = /(?:docker|containerd|libpod|crio|kubepods|lxc)[^\n]*?([0-9a-f]{64})/;
/** Flag of a socket that listens; state of a TCP socket that does (proc(5), include/net/tcp_states.h). */
const ACCEPTS = 0x10000;
const TCP_LISTEN = '0A';

interface Listening {
  /** Kind and place of a Unix socket, by its inode. */
  readonly sockets: ReadonlyMap<string, Socket>;
  readonly ports: ReadonlyMap<string, number>;
}

interface Socket {
  readonly kind: Kind;
  readonly place: string;
  /** PostgreSQL has it in the name. */
  readonly port: number | null;
}

interface Server {
  readonly kind: Kind;
  readonly dataFolder: string | null;
  readonly container: string | null;
  /** Null: this user may not see them. */
  readonly sockets: readonly Socket[] | null;
  readonly port: number | null;
}

/** `proc`: the folder of the kernel's files, `/proc`. Null where there is none, as on other systems: nothing is known then. */
export async function findDatabases(proc = '/proc'): Promise<FoundDatabase[] | null> {
  const own = await listening(join(proc, 'self', 'net'));
  if (own === undefined) return null;
  const servers = await findServers(proc);
  const claimed = new Set(servers.flatMap(({ sockets }) => (sockets ?? []).map(({ place }) => place)));
  const free = groupSockets([...own.sockets.values()].filter(({ place }) => !claimed.has(place)));
  const found = servers.map((server): FoundDatabase => {
    // Without a look at what it holds, a server takes the first socket that nobody else has.
    const at = server.sockets === null && server.container === null ? free.findIndex((one) => fits(one, server)) : -1;
    const [socket] = at >= 0 ? free.splice(at, 1) : (server.sockets ?? []);
    return describe(server, socket);
  });
  const nameless = free.map((socket) =>
    describe({ kind: socket.kind, dataFolder: null, container: null, port: null }, socket),
  );
  const known = [...found, ...nameless].filter(({ socket, port, dataFolder, container }) =>
    [socket, port, dataFolder, container].some((place) => place !== null),
  );
  return known.slice(0, DATABASES_MAX);
}

function fits(socket: Socket, { kind, port }: Server): boolean {
  return socket.kind === kind && (port === null || socket.port === null || port === socket.port);
}

function describe(
  { kind, dataFolder, container, port }: Pick<Server, 'kind' | 'dataFolder' | 'container' | 'port'>,
  socket: Socket | undefined,
): FoundDatabase {
  return {
    kind,
    socket: socket === undefined ? null : reportable(kind === 'postgres' ? dirname(socket.place) : socket.place),
    port: socket?.port ?? port,
    dataFolder: dataFolder === null ? null : reportable(dataFolder),
    container,
  };
}

/** A PostgreSQL server may listen in several folders: those of one port are one server. */
function groupSockets(sockets: readonly Socket[]): Socket[] {
  const keyed = sockets.map((one) => [one.port === null ? one.place : `${one.kind}/${one.port}`, one] as const);
  return [...new Map(keyed.reverse()).values()].reverse();
}

async function findServers(proc: string): Promise<Server[]> {
  const names = await readdir(proc).catch(() => []);
  const servers: Server[] = [];
  for (const pid of names.filter((name) => /^\d+$/.test(name))) {
    const kind = await kindOf(proc, pid);
    if (kind === undefined) continue;
    // What a server started for its connections is not another server.
    if ((await kindOf(proc, await parentOf(proc, pid))) === kind) continue;
    servers.push(await readServer(join(proc, pid), kind));
  }
  return servers;
}

async function kindOf(proc: string, pid: string): Promise<Kind | undefined> {
  const name = await readFile(join(proc, pid, 'comm'), 'utf8').catch(() => '');
  return PROGRAMS[name.trim()];
}

async function parentOf(proc: string, pid: string): Promise<string> {
  const status = await readFile(join(proc, pid, 'status'), 'utf8').catch(() => '');
  return /^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? '0';
}

async function readServer(folder: string, kind: Kind): Promise<Server> {
  const words = (await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '')).split('\0');
  const container = await containerOf(folder);
  const held = await heldInodes(folder);
  const here = held === null ? undefined : await listening(join(folder, 'net'));
  const mine =
    here === undefined ? null : [...here.sockets].filter(([inode]) => held!.has(inode)).map(([, one]) => one);
  const sockets = mine === null ? null : mine.filter((one) => one.kind === kind);
  const ports = here === undefined ? [] : [...here.ports].filter(([inode]) => held!.has(inode)).map(([, port]) => port);
  // Both kinds make the folder of their data their own; their arguments name it where that cannot be read.
  const dataFolder = (await readlink(join(folder, 'cwd')).catch(() => undefined)) ?? dataFolderIn(words, kind);
  return {
    kind,
    dataFolder: dataFolder?.startsWith('/') === true ? dataFolder : null,
    container,
    sockets,
    // The X protocol of MySQL has a port of its own, a higher one.
    port: ports.length > 0 ? Math.min(...ports) : (portIn(words) ?? (await portBeside(dataFolder, container))),
  };
}

/**
 * Null: it runs where the agent does. A container counts its processes from one, as an inner name space of process ids; name spaces of
 * mounts and of host names tell nothing, for services of systemd have their own.
 */
async function containerOf(folder: string): Promise<string | null> {
  const status = await readFile(join(folder, 'status'), 'utf8').catch(() => '');
  const isInside = (/^NSpid:(.*)$/m.exec(status)?.[1] ?? '').trim().split(/\s+/).length > 1;
  const groups = await readFile(join(folder, 'cgroup'), 'utf8').catch(() => '');
  const id = CONTAINER_GROUP.exec(groups)?.[1]?.slice(0, 12);
  if (!isInside && id === undefined) return null;
  const name = await readFile(join(folder, 'root', 'etc', 'hostname'), 'utf8').catch(() => '');
  return reportable(name.trim()).slice(0, 128) || (id ?? 'a container');
}

/** PostgreSQL writes its port into the folder of its data, in the fourth line. Of a container the folder is another one. */
async function portBeside(dataFolder: string | undefined, container: string | null): Promise<number | null> {
  if (dataFolder === undefined || container !== null) return null;
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '');
  const port = Number(text.split('\n')[3] ?? Number.NaN);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}

function dataFolderIn(words: readonly string[], kind: Kind): string | undefined {
  const named = words.map((word) => /^--(?:datadir|data-directory)=(.+)$/.exec(word)?.[1]).find(Boolean);
  const at = words.indexOf('-D');
  return named ?? (kind === 'postgres' && at >= 0 ? words[at + 1] : undefined);
}

function portIn(words: readonly string[]): number | null {
  const at = words.indexOf('-p');
  const text =
    words.map((word) => /^--port=(\d+)$/.exec(word)?.[1]).find(Boolean) ?? (at >= 0 ? words[at + 1] : undefined);
  const port = Number(text ?? Number.NaN);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}

/** Inodes of the sockets that a process holds; null: this user may not see them. */
async function heldInodes(folder: string): Promise<ReadonlySet<string> | null> {
  const names = await readdir(join(folder, 'fd')).catch(() => null);
  if (names === null) return null;
  const links = await Promise.all(names.map((name) => readlink(join(folder, 'fd', name)).catch(() => '')));
  // With some rights the names can be listed, and not what is behind them.
  if (links.every((link) => link === '')) return null;
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** What listens in a network namespace; undefined where its files cannot be read. */
async function listening(net: string): Promise<Listening | undefined> {
  const unix = await readFile(join(net, 'unix'), 'utf8').catch(() => undefined);
  if (unix === undefined) return undefined;
  const sockets = new Map<string, Socket>();
  for (const line of unix.split('\n').slice(1)) {
    const [, , , flags = '', , , inode = '', ...path] = line.trim().split(/\s+/);
    const socket = socketAt(path.join(' '));
    if (socket !== undefined && (Number.parseInt(flags, 16) & ACCEPTS) !== 0) sockets.set(inode, socket);
  }
  const ports = new Map<string, number>();
  for (const name of ['tcp', 'tcp6']) {
    const text = await readFile(join(net, name), 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const port = Number.parseInt(local.split(':')[1] ?? '', 16);
      if (state === TCP_LISTEN && port > 0) ports.set(inode, port);
    }
  }
  return { sockets, ports };
}

function socketAt(place: string): Socket | undefined {
  const postgres = POSTGRES_SOCKET.exec(place);
  const port = Number(postgres?.[2]);
  if (postgres !== null && port > 0 && port < 65_536) return { kind: 'postgres', place, port };
  return MYSQL_SOCKET.test(place) ? { kind: 'mysql', place, port: null } : undefined;
}
