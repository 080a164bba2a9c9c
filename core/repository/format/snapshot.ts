/** Snapshot files, in restic's order of fields; no newline at the end. */
import type { Snapshot, SnapshotSummary } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { jsonString } from './go-text.ts';
import { isId, isObject, type JsonObject, member, parseJson } from './json.ts';

export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const list = (texts: readonly string[]): string => `[${texts.map(jsonString).join(',')}]`;
  const fields: string[] = [`"time":"${snapshot.time}"`];
  if (snapshot.parent !== undefined) fields.push(`"parent":"${snapshot.parent}"`);
  fields.push(`"tree":"${snapshot.tree}"`, `"paths":${list(snapshot.paths)}`);
  if (snapshot.hostname) fields.push(`"hostname":${jsonString(snapshot.hostname)}`);
  if (snapshot.username) fields.push(`"username":${jsonString(snapshot.username)}`);
  if (snapshot.uid) fields.push(`"uid":${snapshot.uid}`);
  if (snapshot.gid) fields.push(`"gid":${snapshot.gid}`);
  if (snapshot.excludes?.length) fields.push(`"excludes":${list(snapshot.excludes)}`);
  if (snapshot.tags?.length) fields.push(`"tags":${list(snapshot.tags)}`);
  if (snapshot.original !== undefined) fields.push(`"original":"${snapshot.original}"`);
  if (snapshot.program_version) fields.push(`"program_version":${jsonString(snapshot.program_version)}`);
  if (snapshot.summary !== undefined) fields.push(`"summary":${encodeSummary(snapshot.summary)}`);
  return Buffer.from(`{${fields.join(',')}}`);
}

const SUMMARY_COUNTS = [
  'files_new',
  'files_changed',
  'files_unmodified',
  'dirs_new',
  'dirs_changed',
  'dirs_unmodified',
  'data_blobs',
  'tree_blobs',
  'data_added',
  'data_added_packed',
  'total_files_processed',
  'total_bytes_processed',
] as const satisfies readonly (keyof SnapshotSummary)[];

function encodeSummary(summary: SnapshotSummary): string {
  const counts = SUMMARY_COUNTS.map((key) => `"${key}":${summary[key]}`);
  return `{"backup_start":"${summary.backup_start}","backup_end":"${summary.backup_end}",${counts.join(',')}}`;
}

/** @throws HoldfastError repository_damaged when time, tree or paths are missing or malformed. */
export function decodeSnapshot(json: Uint8Array): Snapshot {
  const value = parseJson(json, 'A snapshot');
  if (!isObject(value)) throw damagedRepository('A snapshot is malformed.');
  const time = member(value, 'time');
  const tree = member(value, 'tree');
  const paths = member(value, 'paths') ?? [];
  if (typeof time !== 'string' || !isId(tree) || !isTexts(paths)) throw damagedRepository('A snapshot is malformed.');
  const summary = member(value, 'summary');
  return {
    time,
    tree,
    paths,
    ...pick(value, 'parent', isId),
    ...pick(value, 'hostname', isText),
    ...pick(value, 'username', isText),
    ...pick(value, 'uid', isNumber),
    ...pick(value, 'gid', isNumber),
    ...pick(value, 'excludes', isTexts),
    ...pick(value, 'tags', isTexts),
    ...pick(value, 'original', isId),
    ...pick(value, 'program_version', isText),
    ...(isObject(summary) ? { summary: decodeSummary(summary) } : {}),
  };
}

function decodeSummary(value: JsonObject): SnapshotSummary {
  const count = (key: string): number => {
    const found = member(value, key);
    return isNumber(found) ? found : 0;
  };
  const text = (key: string): string => {
    const found = member(value, key);
    return isText(found) ? found : '';
  };
  const counts = Object.fromEntries(SUMMARY_COUNTS.map((key) => [key, count(key)]));
  return { backup_start: text('backup_start'), backup_end: text('backup_end'), ...counts } as SnapshotSummary; // every key of SUMMARY_COUNTS is set
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

function pick<K extends string, V>(
  from: JsonObject,
  key: K,
  is: (value: unknown) => value is V,
): Partial<Record<K, V>> {
  const value = member(from, key);
  return is(value) ? ({ [key]: value } as Record<K, V>) : {}; // K is one literal at every call
}
