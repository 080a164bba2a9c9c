import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { UsageError } from '../command-io.ts';
import { count, needed, type OptionValues, text, texts } from './option-values.ts';
import { WRITE_OPTIONS, WRITE_POSITIONALS } from './write-arguments.ts';
import { READ_OPTIONS, READ_POSITIONALS, type ReadArguments, readArguments } from './read-arguments.ts';

/** Arguments of every repository command; those that a command does not know are refused before. */
export interface RepoArguments extends ReadArguments {
  readonly repo: string;
  readonly passwordFile: string;
  readonly isJson: boolean;
  /** As they were given, for commands that look at their own. */
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  readonly exclude: readonly string[];
  readonly oneFileSystem: boolean;
  readonly tag: readonly string[];
  readonly host: string | undefined;
  readonly parent: string | undefined;
  readonly target: string | undefined;
  readonly include: readonly string[];
  readonly readData: boolean;
  readonly path: readonly string[];
  readonly latest: number | undefined;
}

const COMMON: ParseArgsOptionsConfig = {
  repo: { type: 'string' },
  'password-file': { type: 'string' },
  json: { type: 'boolean' },
};

const OPTIONS: Readonly<Record<string, ParseArgsOptionsConfig>> = {
  ...READ_OPTIONS,
  ...WRITE_OPTIONS,
};

/** How many words a command takes besides its options. */
const POSITIONALS: Readonly<Record<string, readonly [number, number, string]>> = {
  init: [0, 0, 'init takes no further words'],
  ...READ_POSITIONALS,
  ...WRITE_POSITIONALS,
};

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
    values,
    positionals,
    exclude: texts(values, 'exclude'),
    oneFileSystem: values['one-file-system'] === true,
    tag: texts(values, 'tag'),
    host: text(values, 'host'),
    parent: text(values, 'parent'),
    target:
      command === 'restore' ? needed(values, 'target', 'DIR, the folder to restore into') : text(values, 'target'),
    include: texts(values, 'include'),
    readData: values['read-data'] === true,
    path: texts(values, 'path'),
    latest: count(values, 'latest'),
    ...readArguments(values),
  };
}

function parse(command: string, argv: readonly string[]): { values: OptionValues; positionals: string[] } {
  const options = { ...COMMON, ...OPTIONS[command] };
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's sentence names the option; what follows it is advice about `--` that helps nobody here.
    throw new UsageError(`${(error as Error).message.split('. ')[0]!.replace(/\.$/, '')}.`);
  }
}
