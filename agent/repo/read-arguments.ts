/** Options of the commands that read. */
import type { ParseArgsOptionsConfig } from 'node:util';
import { type OverwriteRule, overwriteRuleOf } from '../../core/filesystem/overwrite-rule.ts';
import { type DataSubset, parseDataSubset } from '../../core/repository/check/data-subset.ts';
import type { NodeType } from '../../core/repository/types.ts';
import { UsageError } from '../command-io.ts';
import { oneOf, type OptionValues, text, texts } from './option-values.ts';

export interface ReadArguments {
  readonly overwrite: OverwriteRule | undefined;
  readonly verify: boolean;
  readonly isSparse: boolean;
  readonly isPreview: boolean;
  readonly readDataSubset: DataSubset | undefined;
  readonly seed: string | undefined;
  readonly isLong: boolean;
  readonly isRecursive: boolean;
  readonly snapshot: readonly string[];
  readonly pathPrefix: string | undefined;
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
  readonly nodeTypes: readonly NodeType[];
  readonly ignoreCase: boolean;
  readonly withMetadata: boolean;
  readonly archive: 'tar' | 'zip' | undefined;
}

/** Which snapshots, where a command takes them from the list or is given "latest". */
const FILTERS: ParseArgsOptionsConfig = {
  host: { type: 'string' },
  path: { type: 'string', multiple: true },
  tag: { type: 'string', multiple: true },
};

export const READ_OPTIONS: Readonly<Record<string, ParseArgsOptionsConfig>> = {
  restore: {
    ...FILTERS,
    target: { type: 'string' },
    include: { type: 'string', multiple: true },
    exclude: { type: 'string', multiple: true },
    overwrite: { type: 'string' },
    verify: { type: 'boolean' },
    'no-sparse': { type: 'boolean' },
    'skip-damaged': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  check: { 'read-data': { type: 'boolean' }, 'read-data-subset': { type: 'string' }, seed: { type: 'string' } },
  snapshots: { ...FILTERS, latest: { type: 'string' } },
  ls: {
    ...FILTERS,
    long: { type: 'boolean', short: 'l' },
    recursive: { type: 'boolean' },
    'no-recursive': { type: 'boolean' },
  },
  find: {
    ...FILTERS,
    snapshot: { type: 'string', multiple: true },
    'path-prefix': { type: 'string' },
    oldest: { type: 'string' },
    newest: { type: 'string' },
    type: { type: 'string', multiple: true },
    'ignore-case': { type: 'boolean', short: 'i' },
    long: { type: 'boolean', short: 'l' },
  },
  diff: { metadata: { type: 'boolean' } },
  dump: { ...FILTERS, archive: { type: 'string' }, target: { type: 'string' } },
};

/** How many words each takes besides its options. */
export const READ_POSITIONALS: Readonly<Record<string, readonly [number, number, string]>> = {
  snapshots: [0, 0, 'snapshots takes no further words'],
  ls: [1, 2, 'ls needs a snapshot, and may take one path'],
  find: [1, Number.POSITIVE_INFINITY, 'find needs at least one pattern'],
  diff: [2, 2, 'diff needs two snapshots'],
  dump: [1, 2, 'dump needs a snapshot and a path in it'],
  restore: [1, 1, 'restore needs one snapshot'],
  check: [0, 0, 'check takes no further words'],
};

/** @throws UsageError for values that no command can use. */
export function readArguments(values: OptionValues): ReadArguments {
  const subset = text(values, 'read-data-subset');
  if (subset !== undefined && values['read-data'] === true)
    throw new UsageError('--read-data reads everything: leave it out where --read-data-subset is given.');
  const seed = text(values, 'seed');
  if (seed !== undefined && subset === undefined) throw new UsageError('--seed needs --read-data-subset.');
  const dataSubset = subset === undefined ? undefined : parseDataSubset(subset);
  if (subset !== undefined && dataSubset === undefined)
    throw new UsageError(
      '--read-data-subset is n/m (with n from 1 to m, and m up to 256), a percentage, or bytes (500M).',
    );
  return {
    overwrite: overwriteOf(values),
    verify: values['verify'] === true,
    isSparse: values['no-sparse'] !== true,
    isPreview: values['dry-run'] === true,
    readDataSubset: dataSubset,
    seed,
    isLong: values['long'] === true,
    isRecursive: values['no-recursive'] !== true,
    snapshot: texts(values, 'snapshot').flatMap((list) => list.split(/[,\s]+/).filter(Boolean)),
    pathPrefix: absolute('path-prefix', text(values, 'path-prefix')),
    oldestMs: timeOf(values, 'oldest', 'start'),
    newestMs: timeOf(values, 'newest', 'end'),
    nodeTypes: texts(values, 'type').map(nodeTypeOf),
    ignoreCase: values['ignore-case'] === true,
    withMetadata: values['metadata'] === true,
    archive: oneOf(values, 'archive', ['tar', 'zip']),
  };
}

function overwriteOf(values: OptionValues): OverwriteRule | undefined {
  const word = text(values, 'overwrite');
  const rule = word === undefined ? undefined : overwriteRuleOf(word);
  if (word !== undefined && rule === undefined)
    throw new UsageError('--overwrite is one of refuse, if-changed, if-newer, always.');
  return rule;
}

function absolute(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!value.startsWith('/')) throw new UsageError(`--${name} is not an absolute path.`);
  return `/${value.split('/').filter(Boolean).join('/')}`;
}

const NODE_TYPES: Readonly<Record<string, NodeType>> = {
  f: 'file',
  file: 'file',
  d: 'dir',
  dir: 'dir',
  folder: 'dir',
  l: 'symlink',
  symlink: 'symlink',
  b: 'dev',
  dev: 'dev',
  c: 'chardev',
  chardev: 'chardev',
  p: 'fifo',
  fifo: 'fifo',
  s: 'socket',
  socket: 'socket',
};

function nodeTypeOf(word: string): NodeType {
  const type = Object.hasOwn(NODE_TYPES, word) ? NODE_TYPES[word] : undefined;
  if (type === undefined) throw new UsageError('--type is one of file, dir, symlink, dev, chardev, fifo, socket.');
  return type;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;

/** Milliseconds since the epoch. A day or minute stands for its first or its last moment; without a zone it is local time. */
function timeOf(values: OptionValues, name: string, edge: 'start' | 'end'): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const match = TIME.exec(value);
  if (match !== null) {
    const part = (at: number, last: number): number => Number(match[at] ?? (edge === 'end' ? last : 0));
    const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3])];
    const time = new Date(year, month, day, part(4, 23), part(5, 59), part(6, 59), edge === 'end' ? 999 : 0);
    if (time.getMonth() === month && time.getDate() === day) return time.getTime();
  } else if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))) {
    return Date.parse(value);
  }
  throw new UsageError(`--${name} is no time: write 2026-01-31, "2026-01-31 18:00" or 2026-01-31T18:00:00+01:00.`);
}
