import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { UsageError } from '../command-io.ts';

/** Arguments of every repository command; those that a command does not know are refused before. */
export interface RepoArguments {
  readonly repo: string;
  readonly passwordFile: string;
  readonly isJson: boolean;
  readonly positionals: readonly string[];
  readonly exclude: readonly string[];
  readonly oneFileSystem: boolean;
  readonly tag: readonly string[];
  readonly host: string | undefined;
  readonly parent: string | undefined;
  readonly target: string | undefined;
  readonly include: readonly string[];
  readonly overwrite: string | undefined;
  readonly readData: boolean;
}

const COMMON: ParseArgsOptionsConfig = {
  repo: { type: 'string' },
  'password-file': { type: 'string' },
  json: { type: 'boolean' },
};

const OPTIONS: Readonly<Record<string, ParseArgsOptionsConfig>> = {
  backup: {
    exclude: { type: 'string', multiple: true },
    'one-file-system': { type: 'boolean' },
    tag: { type: 'string', multiple: true },
    host: { type: 'string' },
    parent: { type: 'string' },
  },
  restore: {
    target: { type: 'string' },
    include: { type: 'string', multiple: true },
    overwrite: { type: 'string' },
  },
  check: { 'read-data': { type: 'boolean' } },
};

/** How many words a command takes besides its options. */
const POSITIONALS: Readonly<Record<string, readonly [number, number, string]>> = {
  init: [0, 0, 'init takes no further words'],
  backup: [1, Number.POSITIVE_INFINITY, 'backup needs at least one path to back up'],
  snapshots: [0, 0, 'snapshots takes no further words'],
  ls: [1, 2, 'ls needs a snapshot, and may take one path'],
  restore: [1, 1, 'restore needs one snapshot'],
  check: [0, 0, 'check takes no further words'],
};

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** @throws UsageError for an unknown or missing option, or too few or too many words. */
export function parseRepoArguments(command: string, argv: readonly string[]): RepoArguments {
  const { values, positionals } = parse(command, argv);
  const bounds = POSITIONALS[command];
  if (bounds === undefined) throw new UsageError(`There is no command "repo ${command}".`);
  if (positionals.length < bounds[0] || positionals.length > bounds[1]) throw new UsageError(`${bounds[2]}.`);
  return {
    repo: needed(values, 'repo', 'PATH, the folder of the repository'),
    passwordFile: needed(values, 'password-file', 'FILE, the file with its password'),
    isJson: values['json'] === true,
    positionals,
    exclude: texts(values, 'exclude'),
    oneFileSystem: values['one-file-system'] === true,
    tag: texts(values, 'tag'),
    host: text(values, 'host'),
    parent: text(values, 'parent'),
    target: command === 'restore' ? needed(values, 'target', 'DIR, the folder to restore into') : undefined,
    include: texts(values, 'include'),
    overwrite: text(values, 'overwrite'),
    readData: values['read-data'] === true,
  };
}

function parse(command: string, argv: readonly string[]): { values: Values; positionals: string[] } {
  const options = { ...COMMON, ...OPTIONS[command] };
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's sentence names the option; what follows it is advice about `--` that helps nobody here.
    throw new UsageError(`${(error as Error).message.split('. ')[0]!.replace(/\.$/, '')}.`);
  }
}

function needed(values: Values, name: string, meaning: string): string {
  const value = text(values, name);
  if (value === undefined) throw new UsageError(`--${name} ${meaning}, is missing.`);
  return value;
}

function text(values: Values, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} is empty.`);
  return typeof value === 'string' ? value : undefined;
}

function texts(values: Values, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
