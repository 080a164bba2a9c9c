/** Which of the machine's database servers can open a dump: those of Debian's packages, found where these put them. */
import { existsSync, globSync } from 'node:fs';

export interface PostgresPrograms {
  readonly major: number;
  readonly folder: string;
}

const POSTGRES = ['initdb', 'postgres', 'psql', 'pg_restore'] as const;

/** Servers with everything that a restore needs, the oldest first. */
export function installedPostgres(pattern = '/usr/lib/postgresql/*/bin'): PostgresPrograms[] {
  return globSync(pattern)
    .filter((folder) => POSTGRES.every((name) => existsSync(`${folder}/${name}`)))
    .map((folder) => ({ folder, major: Number(/\/(\d+)\/bin$/.exec(folder)?.[1] ?? 0) }))
    .filter(({ major }) => major >= 10)
    .sort((a, b) => a.major - b.major);
}

/**
 * The server of the dump's version, or the next newer one: an older one may not know what is in it. Where the dump's version
 * is not known, the newest.
 */
export function postgresFor(
  versions: readonly (string | null)[],
  installed: readonly PostgresPrograms[],
): PostgresPrograms | undefined {
  const majors = versions.flatMap((version) => (version === null ? [] : [Number.parseInt(version, 10)]));
  const wanted = majors.filter((major) => Number.isInteger(major));
  if (wanted.length === 0) return installed.at(-1);
  const least = Math.max(...wanted);
  return installed.find(({ major }) => major >= least);
}

export interface MariadbPrograms {
  readonly server: string;
  readonly install: string;
  readonly client: string;
}

export function installedMariadb(): MariadbPrograms | undefined {
  const first = (places: readonly string[]): string | undefined => places.find((place) => existsSync(place));
  const server = first(['/usr/sbin/mariadbd', '/usr/bin/mariadbd']);
  const install = first(['/usr/bin/mariadb-install-db']);
  const client = first(['/usr/bin/mariadb']);
  return server === undefined || install === undefined || client === undefined
    ? undefined
    : { server, install, client };
}
