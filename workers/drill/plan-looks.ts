/** Which program opens what: from the planned files of a drill to the looks of level 4. Nothing is opened here but first bytes. */
import type { DatabaseChecks } from '../../core/domain/database-checks.ts';
import { checksFor } from '../../core/domain/database-checks.ts';
import { isReadable } from '../sandbox/open/formats/read-format.ts';
import type { DrillWork, WitnessFile } from '../../server/drills/begin-drill.ts';
import {
  installedMariadb,
  installedPostgres,
  type MariadbPrograms,
  postgresFor,
  type PostgresPrograms,
} from './database-programs.ts';

interface Look {
  /** Path in the snapshot. */
  readonly path: string;
  /** In words, such as "the database shop". */
  readonly title: string;
  readonly bytes: number;
  readonly checks: DatabaseChecks;
}

export type DatabaseLook =
  | (Look & {
      readonly what: 'postgres';
      readonly format: 'custom' | 'plain';
      readonly globals: string | null;
      readonly programs: PostgresPrograms;
    })
  | (Look & { readonly what: 'mariadb'; readonly programs: MariadbPrograms })
  | (Look & { readonly what: 'sqlite' });

/** What could be looked at and is not; `hint`: what the operator of the service can do about it. */
export interface LookLeftOut {
  readonly path: string;
  readonly title: string;
  readonly reason: string;
  readonly hint: string | null;
}

export interface LookPlan {
  readonly databases: readonly DatabaseLook[];
  /** Read by their format. */
  readonly files: readonly { readonly path: string; readonly isDump: boolean }[];
  readonly leftOut: readonly LookLeftOut[];
}

export interface Installed {
  readonly postgres: readonly PostgresPrograms[];
  readonly mariadb: MariadbPrograms | undefined;
}

export function installedPrograms(): Installed {
  return { postgres: installedPostgres(), mariadb: installedMariadb() };
}

/** `headOf`: the first bytes of a restored file. */
export async function planLooks(
  { plan, dumps, sources }: Pick<DrillWork, 'plan' | 'dumps' | 'sources'>,
  installed: Installed,
  headOf: (path: string) => Promise<Buffer>,
): Promise<LookPlan> {
  const databases: DatabaseLook[] = [];
  const leftOut: LookLeftOut[] = [];
  const files: { path: string; isDump: boolean }[] = [];
  const planned = new Set(plan.files.map(({ path }) => path));
  for (const dump of dumps) {
    const { path, dump: about } = dump;
    // Roles are no database of their own: they are made before each database of their server.
    if (about?.kind === 'postgres' && about.database === null) continue;
    const title = titleOf(dump);
    if (!planned.has(path)) {
      leftOut.push({ path, title, reason: 'It is larger than a drill of a sample may restore.', hint: null });
      continue;
    }
    const source = sources.find(({ kind, label }) => kind === about?.kind && label === about.label);
    const declared = source !== undefined && 'checks' in source ? source.checks : undefined;
    const name = about?.kind === 'sqlite' ? path.slice(path.lastIndexOf('/') + 1) : (about?.database ?? null);
    const look = { path, title, bytes: dump.size, checks: checksFor(declared, name) };
    const opened = openerOf(dump, await headOf(path), dumps, planned, installed);
    if (opened === 'file') files.push({ path, isDump: true });
    else if ('what' in opened) databases.push({ ...look, ...opened });
    else leftOut.push({ path, title, ...opened });
  }
  for (const { path, role } of plan.files) if (role !== 'dump' && isReadable(path)) files.push({ path, isDump: false });
  return { databases, files, leftOut };
}

function titleOf({ path, dump }: WitnessFile): string {
  const name = dump?.database ?? path.slice(path.lastIndexOf('/') + 1);
  const words = dump?.kind === 'command' ? `the output ${name} of ${dump.label}` : `the database ${name}`;
  return words.slice(0, 120);
}

type Opener =
  | Omit<Extract<DatabaseLook, { what: 'postgres' }>, keyof Look>
  | Omit<Extract<DatabaseLook, { what: 'mariadb' }>, keyof Look>
  | Omit<Extract<DatabaseLook, { what: 'sqlite' }>, keyof Look>
  | Pick<LookLeftOut, 'reason' | 'hint'>
  | 'file';

function openerOf(
  { path, dump: about }: WitnessFile,
  head: Buffer,
  dumps: readonly WitnessFile[],
  planned: ReadonlySet<string>,
  installed: Installed,
): Opener {
  const text = head.toString('latin1');
  const isCommand = about === undefined || about.kind === 'command';
  if (about?.kind === 'postgres' || (isCommand && text.startsWith('PGDMP')))
    return postgresOpener('custom', about, dumps, planned, installed);
  if (isCommand && text.includes('-- PostgreSQL database dump'))
    return postgresOpener('plain', about, dumps, planned, installed);
  if (about?.kind === 'mysql' || (isCommand && /^(?:\/\*M?!999999[^\n]*\n)?-- (?:MariaDB|MySQL) dump /.test(text)))
    return mysqlOpener(about, text, installed);
  if (about?.kind === 'sqlite' || (isCommand && text.startsWith('SQLite format 3\0'))) return { what: 'sqlite' };
  if (isReadable(path) || /^(?:PK\u0003\u0004|\u001f\u008b|\u0028\u00b5\u002f\u00fd)/.test(text)) return 'file';
  return { reason: 'Its format is none that is opened here.', hint: null };
}

function postgresOpener(
  format: 'custom' | 'plain',
  about: WitnessFile['dump'],
  dumps: readonly WitnessFile[],
  planned: ReadonlySet<string>,
  installed: Installed,
): Opener {
  const versions = [about?.serverVersion ?? null, about?.clientVersion ?? null];
  const programs = postgresFor(versions, installed.postgres);
  if (programs === undefined) {
    const major = Math.max(0, ...versions.map((version) => Number.parseInt(version ?? '0', 10) || 0));
    const wanted = major === 0 ? 'postgresql' : `postgresql-${major}`;
    return {
      reason: `No PostgreSQL of its version${major === 0 ? '' : `, ${major},`} or newer is installed where drills run.`,
      hint: `Install the package ${wanted} on the machines that run drills: they have no PostgreSQL that can open every dump.`,
    };
  }
  const globals = dumps.find(
    ({ path, dump }) =>
      dump?.kind === 'postgres' && dump.database === null && dump.label === about?.label && planned.has(path),
  );
  return { what: 'postgres', format, globals: globals?.path ?? null, programs };
}

function mysqlOpener(about: WitnessFile['dump'], head: string, installed: Installed): Opener {
  const isMysql = about?.serverVersion?.startsWith('MySQL') ?? /^-- MySQL dump /m.test(head);
  if (isMysql)
    return {
      reason: 'It comes from MySQL, and drills have MariaDB alone, which does not take everything that MySQL writes.',
      hint: null,
    };
  if (installed.mariadb === undefined)
    return {
      reason: 'No MariaDB is installed where drills run.',
      hint: 'Install the packages mariadb-server-core and mariadb-client on the machines that run drills: they have no MariaDB that can open dumps.',
    };
  return { what: 'mariadb', programs: installed.mariadb };
}
