/**
 * What a policy protects besides its folders: databases, the output of commands, and folders with hooks of their own. A
 * source names where things are on the machine and which local file holds its secret; no secret is ever part of a policy.
 */
import { z } from 'zod';
import { databaseChecks } from './database-checks.ts';

/** No control characters: names travel into environments, files of options and logs. */
// oxlint-disable-next-line no-control-regex
const PRINTABLE = /^[^\u0000-\u001f\u007f]+$/;
const printable = (max: number) => z.string().min(1).max(max).regex(PRINTABLE);

const absolutePath = printable(4096).startsWith('/');
/** Part of the path in the snapshot, so that it stays the same from one backup to the next. */
const pathWord = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

/** A program with its arguments, never a shell: what runs is what is written, and its exit code is its own. */
const argv = z
  .array(z.string().max(4096))
  .min(1)
  .max(64)
  .refine((words) => words[0]?.startsWith('/') === true, 'A program is named by its absolute path.')
  .refine(
    (words) => words.every((word) => !word.includes('\0')),
    'An argument holds a character that no program takes.',
  );

const hook = z.strictObject({
  argv,
  timeLimitMinutes: z
    .int()
    .min(1)
    .max(24 * 60)
    .default(10),
  /** abort: the source counts as failed and, before it, is not read. warn: it is read, and the failure is logged. */
  onFailure: z.enum(['abort', 'warn']).default('abort'),
});

const terms = {
  label: pathWord,
  before: hook.optional(),
  /** Runs whatever became of the source, and of the hook before it. */
  after: hook.optional(),
};

/** For restore tests of level 4; the agent has no use for it. */
const checks = databaseChecks.optional();

/** For one dump, one copy or one command. */
const timeLimitMinutes = z
  .int()
  .min(1)
  .max(7 * 24 * 60)
  .default(6 * 60);

const login = z.discriminatedUnion('kind', [
  /** A file on the machine that only the agent's user can read: pgpass for PostgreSQL, an option file for MySQL. */
  z.strictObject({ kind: z.literal('secret_file'), path: absolutePath }),
  /** No password: the server knows the user of the machine. `systemUser` when that is another than the agent's. */
  z.strictObject({
    kind: z.literal('peer'),
    systemUser: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/)
      .optional(),
  }),
]);

const connection = {
  /** Name or address; the local socket when neither it nor `socket` is there. */
  host: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$/)
    .optional(),
  port: z.int().min(1).max(65_535).optional(),
  /** PostgreSQL: the folder of its socket; MySQL: the socket itself. */
  socket: absolutePath.optional(),
  user: printable(128),
  login,
  /** `all` is asked at each backup: a database that was made yesterday is protected today. */
  databases: z.union([z.literal('all'), z.array(printable(128)).min(1).max(256)]).default('all'),
  /** Where the client's programs lie; otherwise they are looked for on the search path. */
  programFolder: absolutePath.optional(),
  timeLimitMinutes,
  checks,
};

const postgres = z.strictObject({
  kind: z.literal('postgres'),
  ...terms,
  ...connection,
  /** Roles and tablespaces of the server, in a file of their own. */
  globals: z.boolean().default(true),
  sslMode: z.enum(['prefer', 'require', 'verify-ca', 'verify-full']).optional(),
});

const mysql = z.strictObject({ kind: z.literal('mysql'), ...terms, ...connection });

const sqlite = z.strictObject({
  kind: z.literal('sqlite'),
  ...terms,
  files: z.array(absolutePath).min(1).max(64),
  timeLimitMinutes,
  checks,
});

const command = z.strictObject({
  kind: z.literal('command'),
  ...terms,
  argv,
  /** Under which its output is stored. */
  fileName: pathWord,
  timeLimitMinutes,
});

/** Folders that need hooks; those without stand in the policy's `paths`. The policy's excludes hold for both. */
const files = z.strictObject({ kind: z.literal('files'), ...terms, paths: z.array(absolutePath).min(1).max(256) });

export const backupSource = z
  .discriminatedUnion('kind', [files, postgres, mysql, sqlite, command])
  .superRefine((source, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    if (source.kind === 'sqlite' && hasTwins(source.files.map(baseName)))
      refuse('Two database files of one source have the same name. Put them in sources of their own.');
    if (source.kind !== 'postgres' && source.kind !== 'mysql') return;
    if (source.socket !== undefined && source.host !== undefined)
      refuse('A server is reached by its host or by its socket, not by both.');
    if (source.databases !== 'all' && hasTwins(source.databases)) refuse('A database is named twice.');
  });

export const backupSources = z
  .array(backupSource)
  .max(64)
  .superRefine((sources, context) => {
    if (hasTwins(sources.map(({ kind, label }) => `${kind}/${label}`)))
      context.addIssue({ code: 'custom', message: 'Two sources of one kind have the same label.' });
  });

export type BackupSource = z.infer<typeof backupSource>;
export type FilesSource = z.infer<typeof files>;
export type PostgresSource = z.infer<typeof postgres>;
export type MysqlSource = z.infer<typeof mysql>;
export type SqliteSource = z.infer<typeof sqlite>;
export type CommandSource = z.infer<typeof command>;
export type SourceHook = z.infer<typeof hook>;
export type DatabaseLogin = z.infer<typeof login>;

/** The last part of a path; the whole of it where there is no slash. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function hasTwins(words: readonly string[]): boolean {
  return new Set(words).size !== words.length;
}
