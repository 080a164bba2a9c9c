/** What becomes of an entry that is already where a restore wants to write one. Looks, and changes nothing. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { UNFINISHED_MODE } from './restored-file.ts';

/**
 * refuse: keep what is there. if-different: replace a file of another size or time. if-newer: replace what is older than
 * the backup's. always: replace everything.
 */
export type OverwriteRule = 'refuse' | 'if-different' | 'if-newer' | 'always';

/** The rule that a person names; `if-changed` is restic's word for if-different. Undefined for a word that is none. */
export function overwriteRuleOf(word: string): OverwriteRule | undefined {
  if (word === 'if-changed') return 'if-different';
  return (['refuse', 'if-different', 'if-newer', 'always'] as const).find((rule) => rule === word);
}

/** The entry that is to be there in the end. */
export interface WantedEntry {
  /** Bytes; -1 for what is no file. */
  readonly size: number;
  readonly mtimeSeconds: number;
  /** For a symbolic link: where it points. */
  readonly linkTarget?: Uint8Array;
  /** For a device or fifo: the type of its st_mode, and its number. */
  readonly special?: { readonly type: number; readonly device: bigint };
  /** For a further name of a file: the place of its first name. */
  readonly firstName?: Buffer;
}

/** write: the place is free. same: it is there already. newer: kept by the rule, without complaint. keep: kept, which is told. */
export type OverwriteDecision = 'write' | 'replace' | 'same' | 'newer' | 'keep';

/** Two stamps of one file may differ by this much: a double holds today's times to a quarter of a microsecond. */
const SAME_TIME_SECONDS = 1e-5;

/** Decides about one place by the rule. A file that an interrupted restore left unfinished is nobody's: it is replaced. */
export function overwriteDecision(rule: OverwriteRule, place: Buffer, wanted: WantedEntry): OverwriteDecision {
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined) return 'write';
  if (found.isDirectory()) return 'keep';
  if (found.isFile() && (found.mode & 0o7777) === UNFINISHED_MODE) return 'replace';
  if (rule === 'always') return 'replace';
  if (isSame(found, place, wanted)) return 'same';
  if (rule === 'if-newer') return found.mtimeMs / 1000 + SAME_TIME_SECONDS < wanted.mtimeSeconds ? 'replace' : 'newer';
  return rule === 'if-different' ? 'replace' : 'keep';
}

function isSame(found: Stats, place: Buffer, wanted: WantedEntry): boolean {
  if (wanted.linkTarget !== undefined)
    return found.isSymbolicLink() && readlinkSync(place, { encoding: 'buffer' }).equals(wanted.linkTarget);
  if (wanted.special !== undefined) {
    const { type, device } = wanted.special;
    return (found.mode & 0o170_000) === type && (type === 0o010_000 || BigInt(found.rdev) === device);
  }
  if (!found.isFile()) return false;
  if (wanted.firstName !== undefined) {
    const first = lstatSync(wanted.firstName, { throwIfNoEntry: false });
    return first !== undefined && first.ino === found.ino && first.dev === found.dev;
  }
  return found.size === wanted.size && Math.abs(found.mtimeMs / 1000 - wanted.mtimeSeconds) < SAME_TIME_SECONDS;
}
