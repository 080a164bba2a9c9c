/** Options of the commands that change a repository. */
import type { ParseArgsOptionsConfig } from 'node:util';
import { type KeepDuration, parseKeepDuration } from '../../core/repository/forget/keep-duration.ts';
import { KEEP_PERIODS, type KeepCount, type KeepPolicy } from '../../core/repository/forget/keep-policy.ts';
import { GROUP_FIELDS, type GroupField, type SnapshotFilter } from '../../core/repository/forget/select-snapshots.ts';
import type { PrunePlanOptions, UnusedLimit } from '../../core/repository/prune/plan-prune.ts';
import { UsageError } from '../command-io.ts';
import { type OptionValues, text, texts } from './option-values.ts';

const FILTERS: ParseArgsOptionsConfig = {
  host: { type: 'string', multiple: true },
  tag: { type: 'string', multiple: true },
  path: { type: 'string', multiple: true },
};

const DRY_RUN: ParseArgsOptionsConfig = { 'dry-run': { type: 'boolean', short: 'n' } };

const PRUNE: ParseArgsOptionsConfig = {
  'max-unused': { type: 'string' },
  'max-repack-size': { type: 'string' },
  'repack-uncompressed': { type: 'boolean' },
};

const FROM: ParseArgsOptionsConfig = { 'from-repo': { type: 'string' }, 'from-password-file': { type: 'string' } };

/** restic's letters. */
const KEEP_LETTERS = { hourly: 'H', daily: 'd', weekly: 'w', monthly: 'm', yearly: 'y' } as const;

const KEEP: ParseArgsOptionsConfig = {
  'keep-last': { type: 'string', short: 'l' },
  'keep-within': { type: 'string' },
  'keep-tag': { type: 'string', multiple: true },
  ...Object.fromEntries(
    KEEP_PERIODS.flatMap((period): [string, { type: 'string'; short?: string }][] => [
      [`keep-${period}`, { type: 'string', short: KEEP_LETTERS[period] }],
      [`keep-within-${period}`, { type: 'string' }],
    ]),
  ),
};

export const WRITE_OPTIONS: Readonly<Record<string, ParseArgsOptionsConfig>> = {
  backup: {
    exclude: { type: 'string', multiple: true, short: 'e' },
    iexclude: { type: 'string', multiple: true },
    'exclude-file': { type: 'string', multiple: true },
    'iexclude-file': { type: 'string', multiple: true },
    'exclude-if-present': { type: 'string', multiple: true },
    'exclude-caches': { type: 'boolean' },
    'exclude-larger-than': { type: 'string' },
    'one-file-system': { type: 'boolean', short: 'x' },
    'files-from': { type: 'string', multiple: true },
    'files-from-verbatim': { type: 'string', multiple: true },
    stdin: { type: 'boolean' },
    'stdin-filename': { type: 'string' },
    'stdin-from-command': { type: 'boolean' },
    command: { type: 'boolean' },
    tag: { type: 'string', multiple: true },
    host: { type: 'string', short: 'H' },
    time: { type: 'string' },
    parent: { type: 'string' },
    force: { type: 'boolean', short: 'f' },
    'read-concurrency': { type: 'string' },
    'limit-upload': { type: 'string' },
    'limit-download': { type: 'string' },
    ...DRY_RUN,
  },
  init: { ...FROM, 'copy-chunker-params': { type: 'boolean' } },
  forget: {
    ...FILTERS,
    ...KEEP,
    ...DRY_RUN,
    ...PRUNE,
    'group-by': { type: 'string', short: 'g' },
    prune: { type: 'boolean' },
    'unsafe-allow-remove-all': { type: 'boolean' },
  },
  prune: { ...DRY_RUN, ...PRUNE },
  unlock: { 'remove-all': { type: 'boolean' } },
  key: { 'new-password-file': { type: 'string' }, host: { type: 'string' }, user: { type: 'string' } },
  copy: { ...FROM, ...FILTERS },
  repair: { ...FILTERS, ...DRY_RUN, forget: { type: 'boolean' }, 'read-all-packs': { type: 'boolean' } },
};

const ANY = Number.POSITIVE_INFINITY;

export const WRITE_POSITIONALS: Readonly<Record<string, readonly [number, number, string]>> = {
  backup: [0, ANY, 'backup needs at least one path to back up'],
  forget: [0, ANY, 'forget takes ids of snapshots'],
  prune: [0, 0, 'prune takes no further words'],
  unlock: [0, 0, 'unlock takes no further words'],
  key: [1, 2, 'key needs one of list, add, remove ID, passwd'],
  copy: [0, ANY, 'copy takes ids of snapshots'],
  repair: [1, ANY, 'repair needs one of index, snapshots [SNAPSHOT...], packs PACK...'],
};

export function snapshotFilter(values: OptionValues): SnapshotFilter {
  return { hosts: texts(values, 'host'), tags: tagLists(values, 'tag'), paths: texts(values, 'path') };
}

/** @throws UsageError for a number or a span that is none. */
export function keepPolicy(values: OptionValues): KeepPolicy {
  const last = keepCount(values, 'keep-last');
  const within = keepSpan(values, 'keep-within');
  const counts = KEEP_PERIODS.flatMap((period) => {
    const count = keepCount(values, `keep-${period}`);
    return count === undefined ? [] : [[period, count] as const];
  });
  const spans = KEEP_PERIODS.flatMap((period) => {
    const span = keepSpan(values, `keep-within-${period}`);
    return span === undefined ? [] : [[period, span] as const];
  });
  return {
    ...(last === undefined ? {} : { last }),
    ...(within === undefined ? {} : { within }),
    counts: Object.fromEntries(counts),
    withinPeriods: Object.fromEntries(spans),
    tags: tagLists(values, 'keep-tag'),
  };
}

/** @throws UsageError for another word than host, paths, tags. */
export function groupBy(values: OptionValues): readonly GroupField[] {
  const value = values['group-by'];
  if (typeof value !== 'string') return ['host', 'paths'];
  const words = value.split(',').filter((word) => word !== '');
  return words.map((word) => {
    // restic takes both forms.
    const field = GROUP_FIELDS.find((known) => known === word || known === `${word}s`);
    if (field === undefined) throw new UsageError(`--group-by is a list of ${GROUP_FIELDS.join(', ')}.`);
    return field;
  });
}

/** @throws UsageError for a size or a share that is none. */
export function pruneOptions(values: OptionValues): PrunePlanOptions {
  const repackBytesMax = sizeOption(values, 'max-repack-size');
  return {
    maxUnused: unusedLimit(text(values, 'max-unused') ?? '5%'),
    ...(repackBytesMax === undefined ? {} : { repackBytesMax }),
    repackUncompressed: values['repack-uncompressed'] === true,
  };
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, with restic's letters: `500K`, `1.5G` is none. @throws UsageError. */
export function sizeOption(values: OptionValues, name: string): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const bytes = parseSize(value);
  if (bytes === undefined) throw new UsageError(`--${name} is no size such as 500K, 20M or 1G.`);
  return bytes;
}

function parseSize(value: string): number | undefined {
  const match = /^(\d{1,12})([bkmgt]?)$/i.exec(value);
  return match === null ? undefined : Number(match[1]) * SIZE_UNITS[match[2]!.toLowerCase()]!;
}

function unusedLimit(value: string): UnusedLimit {
  if (value === 'unlimited') return 'unlimited';
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(value);
  if (percent !== null && Number(percent[1]) < 100) return { percent: Number(percent[1]) };
  const bytes = percent === null ? parseSize(value) : undefined;
  if (bytes === undefined)
    throw new UsageError('--max-unused is a size such as 200M, a share such as 5%, or "unlimited".');
  return { bytes };
}

function tagLists(values: OptionValues, name: string): readonly (readonly string[])[] {
  return texts(values, name).map((list) => list.split(',').map((tag) => tag.trim()));
}

function keepCount(values: OptionValues, name: string): KeepCount | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  if (value === 'unlimited' || value === '-1') return 'unlimited';
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} is a number, or "unlimited".`);
  return Number(value);
}

function keepSpan(values: OptionValues, name: string): KeepDuration | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const span = parseKeepDuration(value);
  if (span === undefined) throw new UsageError(`--${name} is no span such as 1y5m7d2h.`);
  return span;
}
