/** What a backup leaves out, from the options and the files that they name: as restic reads them. */
import { readFile } from 'node:fs/promises';
import { HoldfastError } from '../../core/base/errors.ts';
import type { TagFileRule } from '../../core/filesystem/scan.ts';
import { UsageError } from '../command-io.ts';
import { type OptionValues, texts } from './option-values.ts';
import { sizeOption } from './write-arguments.ts';

export interface ExcludeOptions {
  readonly excludes: readonly string[];
  readonly excludesAnyCase: readonly string[];
  readonly excludeIfPresent: readonly TagFileRule[];
  readonly excludeLargerThan: number | undefined;
}

/** The sign of the Cache Directory Tagging Specification. */
const CACHE_TAG: TagFileRule = { name: 'CACHEDIR.TAG', header: 'Signature: 8a477f597d28d172789f06886806bc55' };

/** @throws UsageError for a pattern or a size that is none; HoldfastError bad_request for a file that cannot be read. */
export async function excludeOptions(
  values: OptionValues,
  variable: (name: string) => string | undefined,
): Promise<ExcludeOptions> {
  const fromFiles = async (name: string): Promise<string[]> => {
    const lists = await Promise.all(texts(values, name).map((file) => readPatterns(file, variable)));
    return lists.flat();
  };
  const excludes = [...texts(values, 'exclude'), ...(await fromFiles('exclude-file'))];
  const excludesAnyCase = [...texts(values, 'iexclude'), ...(await fromFiles('iexclude-file'))];
  for (const pattern of [...excludes, ...excludesAnyCase]) assertPattern(pattern);
  const rules = texts(values, 'exclude-if-present').map(tagFileRule);
  return {
    excludes,
    excludesAnyCase,
    excludeIfPresent: values['exclude-caches'] === true ? [CACHE_TAG, ...rules] : rules,
    excludeLargerThan: sizeOption(values, 'exclude-larger-than'),
  };
}

/** Lines of a text file, trimmed, without empty ones and comments. @throws HoldfastError bad_request. */
export async function readLines(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('bad_request', `The file ${file} cannot be read. Nothing was backed up.`, { cause });
  }
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Variables of the environment are put in; `$$` is a dollar. */
async function readPatterns(file: string, variable: (name: string) => string | undefined): Promise<string[]> {
  const lines = await readLines(file);
  return lines.map((line) =>
    line.replace(/\$(?:(\$)|\{([^}]*)\}|(\w+))/g, (_, dollar?: string, braced?: string, plain?: string) =>
      dollar === undefined ? (variable(braced ?? plain ?? '') ?? '') : '$',
    ),
  );
}

function tagFileRule(text: string): TagFileRule {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  if (name === '' || name.includes('/')) throw new UsageError('--exclude-if-present is FILENAME or FILENAME:HEADER.');
  return { name, header: colon === -1 ? '' : text.slice(colon + 1) };
}

/** A class that is not closed, or a backslash at the end: a pattern that matches something else than was meant loses data. */
function assertPattern(pattern: string): void {
  for (const part of pattern.replace(/^!/, '').split('/')) {
    if (!/^(?:\\.|[^\\[]|\[\^?(?:\\.|[^\\\]])(?:\\.|[^\\\]])*\])*$/su.test(part))
      throw new UsageError(
        `The pattern "${pattern}" is malformed: a class is not closed, or it ends with a backslash.`,
      );
  }
}
