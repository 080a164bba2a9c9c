/**
 * Metric 5 of docs/metrics.md, beside devices: how much of what lies on the machines is backed up, and which of their database servers.
 * What a machine did not tell is not measured, and never counts as covered.
 */
import type { BackupSource } from '../backup-source.ts';
import { type Share, shareOf } from './share.ts';

/** Older than this, what a machine said of itself says nothing any more. It is told every few hours. */
export const INVENTORY_FRESH_MS = 7 * 24 * 3_600_000;

/** A volume of a machine, in bytes; null: it did not answer. */
export interface VolumeFacts {
  readonly mountPoint: string;
  readonly usedBytes: number | null;
}

/** A database server that was seen on a machine. At least one of its places is known. */
export interface DatabaseFacts {
  readonly kind: 'postgres' | 'mysql';
  /** PostgreSQL: the folder of its socket; MySQL and MariaDB: the socket. */
  readonly socket: string | null;
  readonly port: number | null;
  readonly dataFolder: string | null;
  /** It runs in another file system than the agent. */
  readonly container: string | null;
}

export interface CoverageFacts {
  /** Null: unknown, or told too long ago. */
  readonly volumes: readonly VolumeFacts[] | null;
  readonly databases: readonly DatabaseFacts[] | null;
  /** What the newest usable restore points of its sources hold, before compression. */
  readonly selectedBytes: number;
  readonly sources: readonly BackupSource[];
  /** `kind/label` of the sources whose dumps are in the newest usable restore point. */
  readonly dumped: ReadonlySet<string>;
  /** Mount points, and keys of databases, that somebody decided to leave out. */
  readonly excludedVolumes: ReadonlySet<string>;
  readonly excludedDatabases: ReadonlySet<string>;
}

/** Of one device, in bytes. `share` null: not measured, or nothing is left that should be backed up. */
export interface DeviceData {
  readonly usedBytes: number;
  readonly excludedBytes: number;
  /** Never more than what is to be protected: links, dumps and compressed file systems may add up to more. */
  readonly coveredBytes: number;
  readonly share: number | null;
}

/** Null: what is used is not known of every volume. */
export function deviceData({ volumes, selectedBytes, excludedVolumes }: CoverageFacts): DeviceData | null {
  if (volumes === null || volumes.some(({ usedBytes }) => usedBytes === null)) return null;
  const sum = (some: readonly VolumeFacts[]): number => some.reduce((all, { usedBytes }) => all + usedBytes!, 0);
  const usedBytes = sum(volumes);
  const excludedBytes = sum(volumes.filter(({ mountPoint }) => excludedVolumes.has(mountPoint)));
  const wantedBytes = usedBytes - excludedBytes;
  const coveredBytes = Math.min(selectedBytes, wantedBytes);
  return { usedBytes, excludedBytes, coveredBytes, share: wantedBytes === 0 ? null : coveredBytes / wantedBytes };
}

/**
 * protected: its dumps are in the newest usable restore point. configured: the policy names it, and there is no dump of it yet.
 * unprotected: no source of the policy is for it. excluded: somebody decided that it need not be.
 */
export type DatabaseState = 'protected' | 'configured' | 'unprotected' | 'excluded';

export interface JudgedDatabase extends DatabaseFacts {
  readonly key: string;
  /** In words. */
  readonly name: string;
  readonly state: DatabaseState;
  /** Label of the source that is for it. */
  readonly label: string | null;
}

/** Stays the same as long as the server stays where it is. */
export function databaseKey({ kind, socket, port, dataFolder, container }: DatabaseFacts): string {
  const places = [socket, port, socket === null ? dataFolder : null].filter((place) => place !== null);
  return [kind, ...(container === null ? [] : [`in ${container}`]), ...places].join(' ');
}

/** "PostgreSQL on port 5433, data in /var/lib/postgresql". */
export function databaseName({ kind, socket, port, dataFolder, container }: DatabaseFacts): string {
  const product = kind === 'postgres' ? 'PostgreSQL' : 'MySQL or MariaDB';
  const place = port === null ? (socket === null ? '' : ` at ${socket}`) : ` on port ${port}`;
  const data = dataFolder === null ? '' : `, data in ${dataFolder}`;
  return `${product}${place}${container === null ? '' : `, in the container ${container}`}${data}`;
}

/** Null: which there are is not known. */
export function deviceDatabases(facts: CoverageFacts): JudgedDatabase[] | null {
  if (facts.databases === null) return null;
  const servers = facts.databases;
  const sources = facts.sources.filter((source) => source.kind === 'postgres' || source.kind === 'mysql');
  const labels = new Map<DatabaseFacts, string>();
  // Those that are surely meant first; what is left over on both sides is taken together, each once.
  for (const isMeant of [isSame, isLikely])
    for (const server of servers) {
      if (labels.has(server)) continue;
      const taken = new Set(servers.flatMap((one) => (one.kind === server.kind ? (labels.get(one) ?? []) : [])));
      const source = sources.find(
        (one) => one.kind === server.kind && !taken.has(one.label) && isHere(one) && isMeant(server, one),
      );
      if (source !== undefined) labels.set(server, source.label);
    }
  return servers.map((server) => {
    const label = labels.get(server) ?? null;
    const key = databaseKey(server);
    const isDumped = label !== null && facts.dumped.has(`${server.kind}/${label}`);
    const isExcluded = facts.excludedDatabases.has(key);
    const state = isDumped ? 'protected' : isExcluded ? 'excluded' : label === null ? 'unprotected' : 'configured';
    return { ...server, key, name: databaseName(server), label, state };
  });
}

type ServerSource = Extract<BackupSource, { kind: 'postgres' | 'mysql' }>;

const LOCAL_HOSTS = /^(localhost|127\.[0-9.]+|::1|0:0:0:0:0:0:0:1)$/;
const DEFAULT_PORTS = { postgres: 5432, mysql: 3306 } as const;

/** A server on another machine is none of this one's. */
function isHere({ host }: ServerSource): boolean {
  return host === undefined || LOCAL_HOSTS.test(host);
}

/** The socket or the port that the source names is that of the server. */
function isSame(server: DatabaseFacts, source: ServerSource): boolean {
  if (server.container !== null) return false;
  const port = source.port ?? DEFAULT_PORTS[source.kind];
  if (source.socket !== undefined && source.kind === 'mysql') return isSamePlace(server.socket, source.socket);
  if (source.socket !== undefined) return isSamePlace(server.socket, source.socket) && server.port === port;
  return server.port === port;
}

/** Nothing that is known speaks against it: its port is not known, or it is a container's, which has another one outside. */
function isLikely(server: DatabaseFacts, source: ServerSource): boolean {
  if (server.container !== null) return source.socket === undefined;
  if (source.socket !== undefined) return server.socket === null && (server.port ?? source.port) === source.port;
  return server.port === null;
}

/** /var/run is a link to /run on every system of today. */
function isSamePlace(a: string | null, b: string): boolean {
  const plain = (place: string): string => place.replace(/^\/var\/run\//, '/run/').replace(/\/+$/, '');
  return a !== null && plain(a) === plain(b);
}

/**
 * Does the policy select anything of a volume: a folder or file on it, or a folder above it? `paths` are those of the policy, `mounts`
 * all mount points of the machine, which may lie within one another.
 */
export function isSelected(mountPoint: string, mounts: readonly string[], paths: readonly string[]): boolean {
  return paths.some((path) => isWithin(mountPoint, path) || closestMount(path, mounts) === mountPoint);
}

function closestMount(path: string, mounts: readonly string[]): string | undefined {
  const above = mounts.filter((mount) => isWithin(path, mount));
  return above.reduce<string | undefined>((a, b) => (a === undefined || b.length > a.length ? b : a), undefined);
}

/** Is `path` the folder, or below it? */
function isWithin(path: string, folder: string): boolean {
  const end = folder.endsWith('/') ? folder : `${folder}/`;
  return path === folder || path.startsWith(end);
}

/** Of a customer. `of` of the shares counts bytes, or servers that should be protected. */
export interface CoverageFigures {
  readonly devices: number;
  readonly data: Share & {
    /** Devices whose volumes are known; the share is of those alone. */
    readonly measured: number;
    readonly excludedBytes: number;
  };
  readonly databases: Share & {
    readonly measured: number;
    readonly excluded: number;
    /** Found, not left out, and not in the newest restore point. */
    readonly unprotected: number;
  };
}

/** A share is null where no device is measured, or where nothing was found that should be protected. */
export function coverageFigures(devices: readonly CoverageFacts[]): CoverageFigures {
  const data = devices.flatMap((device) => deviceData(device) ?? []);
  const servers = devices.flatMap((device) => deviceDatabases(device) ?? []);
  const count = (state: DatabaseState): number => servers.filter((server) => server.state === state).length;
  const sum = (of: (one: DeviceData) => number): number => data.reduce((all, one) => all + of(one), 0);
  const excludedBytes = sum((one) => one.excludedBytes);
  return {
    devices: devices.length,
    data: {
      ...shareOf(
        sum((one) => one.coveredBytes),
        sum((one) => one.usedBytes) - excludedBytes,
      ),
      measured: data.length,
      excludedBytes,
    },
    databases: {
      ...shareOf(count('protected'), servers.length - count('excluded')),
      measured: devices.filter(({ databases }) => databases !== null).length,
      excluded: count('excluded'),
      unprotected: count('unprotected') + count('configured'),
    },
  };
}
