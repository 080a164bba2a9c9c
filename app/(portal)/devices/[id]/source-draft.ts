/** A source as a form holds it: texts alone. Turned into a source of the policy by the policy's own schema. */
import { type BackupSource, backupSource, type SourceHook } from '../../../../core/domain/backup-source.ts';

export type SourceKind = BackupSource['kind'];

export interface SourceDraft {
  readonly kind: SourceKind;
  readonly label: string;
  readonly host: string;
  readonly port: string;
  readonly socket: string;
  readonly user: string;
  readonly login: 'secret_file' | 'peer';
  readonly secretPath: string;
  readonly systemUser: string;
  /** One a line; none: all. */
  readonly databases: string;
  readonly globals: boolean;
  readonly programFolder: string;
  /** Database files or folders, one a line. */
  readonly paths: string;
  /** The program and each of its arguments on a line of its own. */
  readonly command: string;
  readonly fileName: string;
  readonly timeLimitMinutes: string;
  readonly before: string;
  readonly beforeGoesOn: boolean;
  readonly after: string;
  readonly afterGoesOn: boolean;
}

export type DraftField = Exclude<keyof SourceDraft, 'kind'>;

export const KIND_WORDS: Readonly<Record<SourceKind, string>> = {
  postgres: 'PostgreSQL server',
  mysql: 'MySQL or MariaDB server',
  sqlite: 'SQLite databases',
  command: 'Output of a command',
  files: 'Folders with commands around them',
};

export function emptyDraft(kind: SourceKind): SourceDraft {
  return {
    kind,
    label: '',
    host: '',
    port: '',
    socket: '',
    user: kind === 'postgres' ? 'postgres' : kind === 'mysql' ? 'root' : '',
    login: 'peer',
    secretPath: '',
    systemUser: kind === 'postgres' ? 'postgres' : '',
    databases: '',
    globals: true,
    programFolder: '',
    paths: '',
    command: '',
    fileName: '',
    timeLimitMinutes: '360',
    before: '',
    beforeGoesOn: false,
    after: '',
    afterGoesOn: false,
  };
}

export function draftOf(source: BackupSource): SourceDraft {
  const { before, after } = source;
  const draft: SourceDraft = {
    ...emptyDraft(source.kind),
    label: source.label,
    before: before?.argv.join('\n') ?? '',
    beforeGoesOn: before?.onFailure === 'warn',
    after: after?.argv.join('\n') ?? '',
    afterGoesOn: after?.onFailure === 'warn',
  };
  if (source.kind === 'files') return { ...draft, paths: source.paths.join('\n') };
  const limited = { ...draft, timeLimitMinutes: String(source.timeLimitMinutes) };
  if (source.kind === 'sqlite') return { ...limited, paths: source.files.join('\n') };
  if (source.kind === 'command') return { ...limited, command: source.argv.join('\n'), fileName: source.fileName };
  const { login, databases } = source;
  return {
    ...limited,
    host: source.host ?? '',
    port: source.port === undefined ? '' : String(source.port),
    socket: source.socket ?? '',
    user: source.user,
    login: login.kind,
    secretPath: login.kind === 'secret_file' ? login.path : '',
    systemUser: login.kind === 'peer' ? (login.systemUser ?? '') : '',
    databases: databases === 'all' ? '' : databases.join('\n'),
    globals: source.kind === 'postgres' ? source.globals : true,
    programFolder: source.programFolder ?? '',
  };
}

export type DraftAnswer =
  | { readonly ok: true; readonly source: BackupSource }
  | { readonly ok: false; readonly field: DraftField | undefined; readonly message: string };

/** `former`: the source that is edited; what the form does not show of it stays. */
export function sourceOf(draft: SourceDraft, former?: BackupSource): DraftAnswer {
  const parsed = backupSource.safeParse(wanted(draft, former));
  if (parsed.success) return { ok: true, source: parsed.data };
  const issue = parsed.error.issues[0];
  const field = fieldOf(draft.kind, issue?.path ?? []);
  const message = field === undefined ? (issue?.message ?? 'This cannot be saved.') : FIELD_WORDS[field];
  return { ok: false, field, message: issue?.code === 'custom' ? issue.message : message };
}

const FIELD_WORDS: Readonly<Record<DraftField, string>> = {
  label: 'Letters, digits, dots, dashes and underscores; it begins with a letter or a digit.',
  host: 'The name or address of the server alone.',
  port: 'A number from 1 to 65535.',
  socket: 'An absolute path on the machine.',
  user: 'The name of a user of the server.',
  login: 'Choose how the machine signs in.',
  secretPath: 'The absolute path of a file on the machine.',
  systemUser: 'The name of a user of the machine.',
  databases: 'One name a line.',
  globals: 'Yes or no.',
  programFolder: 'An absolute path on the machine.',
  paths: 'At least one absolute path on the machine, one a line.',
  command: 'The program by its absolute path; its arguments follow, one a line.',
  fileName: 'Letters, digits, dots, dashes and underscores; it begins with a letter or a digit.',
  timeLimitMinutes: 'A number of minutes, at most a week.',
  before: 'The program by its absolute path; its arguments follow, one a line.',
  beforeGoesOn: 'Yes or no.',
  after: 'The program by its absolute path; its arguments follow, one a line.',
  afterGoesOn: 'Yes or no.',
};

function fieldOf(kind: SourceKind, path: readonly PropertyKey[]): DraftField | undefined {
  const [first, second] = path;
  if (first === 'login') return second === 'systemUser' ? 'systemUser' : 'secretPath';
  if (first === 'argv') return 'command';
  if (first === 'files' || first === 'paths') return 'paths';
  return typeof first === 'string' && first in emptyDraft(kind) && first !== 'kind' ? (first as DraftField) : undefined;
}

function wanted(draft: SourceDraft, former: BackupSource | undefined): unknown {
  const { kind, label } = draft;
  const before = hookOf(draft.before, draft.beforeGoesOn, former?.before);
  const after = hookOf(draft.after, draft.afterGoesOn, former?.after);
  const terms = { kind, label: label.trim(), ...(before && { before }), ...(after && { after }) };
  if (kind === 'files') return { ...terms, paths: linesOf(draft.paths) };
  const limited = { ...terms, timeLimitMinutes: numberOf(draft.timeLimitMinutes) };
  // What a restore test asks has no form: an edit must not lose it.
  const checks = former !== undefined && 'checks' in former && former.kind === kind ? { checks: former.checks } : {};
  if (kind === 'sqlite') return { ...limited, files: linesOf(draft.paths), ...checks };
  if (kind === 'command') return { ...limited, argv: argumentsOf(draft.command), fileName: draft.fileName.trim() };
  const databases = linesOf(draft.databases);
  const kept = former?.kind === 'postgres' && former.sslMode !== undefined ? { sslMode: former.sslMode } : {};
  return {
    ...limited,
    ...checks,
    ...optional('host', draft.host),
    ...optional('socket', draft.socket),
    ...optional('programFolder', draft.programFolder),
    ...(draft.port.trim() === '' ? {} : { port: numberOf(draft.port) }),
    user: draft.user.trim(),
    login:
      draft.login === 'secret_file'
        ? { kind: 'secret_file', path: draft.secretPath.trim() }
        : { kind: 'peer', ...optional('systemUser', draft.systemUser) },
    databases: databases.length === 0 ? 'all' : databases,
    ...(kind === 'postgres' ? { globals: draft.globals, ...kept } : {}),
  };
}

function hookOf(text: string, goesOn: boolean, former: SourceHook | undefined): object | undefined {
  const argv = argumentsOf(text);
  if (argv.length === 0) return undefined;
  const limit = former === undefined ? {} : { timeLimitMinutes: former.timeLimitMinutes };
  return { argv, onFailure: goesOn ? 'warn' : 'abort', ...limit };
}

function optional(key: string, text: string): Record<string, string> {
  return text.trim() === '' ? {} : { [key]: text.trim() };
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Arguments keep their inner and outer spaces; only lines at the end that are empty are none. */
function argumentsOf(text: string): string[] {
  const lines = text.replaceAll('\r', '').replace(/\n+$/, '').split('\n');
  return lines.length === 1 && lines[0]?.trim() === '' ? [] : lines;
}
