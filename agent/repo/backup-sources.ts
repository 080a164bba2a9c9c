/** What a backup is of: paths, lists of paths in files, the standard input, or the output of a program. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import { UsageError } from '../command-io.ts';
import { commandStream, inputStream } from './command-stream.ts';
import { readLines } from './exclude-options.ts';
import { text, texts } from './option-values.ts';
import type { RepoArguments } from './repo-arguments.ts';

export interface BackupSources {
  /** Absolute, each once, in ascending order. */
  readonly paths: readonly string[];
  readonly streams: readonly StreamSource[];
}

/** @throws UsageError when there is nothing, or more than one kind; HoldfastError bad_request for a list that cannot be read. */
export async function backupSources(
  { positionals, values }: RepoArguments,
  input: AsyncIterable<Uint8Array>,
): Promise<BackupSources> {
  const isCommand = values['stdin-from-command'] === true || values['command'] === true;
  const isInput = values['stdin'] === true;
  const lists = [...texts(values, 'files-from'), ...texts(values, 'files-from-verbatim')];
  if (!isCommand && !isInput) {
    if (values['stdin-filename'] !== undefined)
      throw new UsageError('--stdin-filename is for --stdin and --stdin-from-command.');
    if (positionals.length + lists.length === 0) throw new UsageError('backup needs at least one path to back up.');
    const listed = (
      await Promise.all(lists.map((file, at) => listedPaths(file, at < texts(values, 'files-from').length)))
    ).flat();
    return { paths: [...new Set([...positionals, ...listed].map((place) => path.resolve(place)))].sort(), streams: [] };
  }
  if (lists.length > 0 || (isInput && (isCommand || positionals.length > 0)))
    throw new UsageError('A backup is of paths, of --stdin, or of --stdin-from-command: not of several of them.');
  if (isCommand && positionals.length === 0)
    throw new UsageError('--stdin-from-command needs a command: … --stdin-from-command -- pg_dump mydb.');
  const place = path.posix.join('/', text(values, 'stdin-filename') ?? 'stdin');
  return { paths: [], streams: [isInput ? inputStream(place, input) : commandStream(place, positionals)] };
}

/** With `isPatterns`: trimmed lines, comments left out, `*` and the like spelled out; else each line is a path as it stands. */
async function listedPaths(file: string, isPatterns: boolean): Promise<string[]> {
  if (isPatterns) {
    const lines = await readLines(file);
    return lines.flatMap((line) => {
      const found = /[*?[]/.test(line) ? globSync(line) : [line];
      if (found.length === 0) throw unlisted(file, `nothing matches ${line}`);
      return found;
    });
  }
  try {
    return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (cause) {
    throw unlisted(file, 'it cannot be read', cause);
  }
}

function unlisted(file: string, problem: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'bad_request',
    `The list of what to back up, ${file}, is of no use: ${problem}. No snapshot was made, for it would lack something. Earlier backups are untouched.`,
    { cause },
  );
}
