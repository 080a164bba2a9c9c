import { excludeMatcher, mayMatchBelow } from '../../filesystem/exclude.ts';

/** Which entries of a snapshot are meant. Nothing given: all of them. */
export interface Selection {
  /** Absolute paths inside the snapshot, as they are written; a folder stands for all in it. */
  readonly include?: readonly string[];
  /** The same as patterns (core/filesystem/exclude.ts). What any path or pattern names is included. */
  readonly includePatterns?: readonly string[];
  /** Patterns of what is left out, with all below it; they win over what is included. */
  readonly exclude?: readonly string[];
}

/**
 * What a person wrote behind --include and --exclude. An absolute one is meant as it stands too, so that a file with `[` in
 * its name is found by the name that a listing shows.
 */
export function selectionOf(include: readonly string[], exclude: readonly string[]): Selection {
  return { include: include.filter((text) => text.startsWith('/')), includePatterns: include, exclude };
}

/** above: not meant itself, but entries below it may be. */
export type Selected = 'inside' | 'above' | 'outside';

/**
 * A test of absolute paths. It has to be asked in the order of a walk, folders before their contents: what lies in a folder
 * that is meant is meant.
 */
export function selectEntries(selection: Selection): (path: string) => Selected {
  const { include = [], includePatterns = [], exclude = [] } = selection;
  const isExcluded = excludeMatcher(exclude);
  if (include.length === 0 && includePatterns.length === 0) return (path) => (isExcluded(path) ? 'outside' : 'inside');
  const wanted = include.map((path) => `/${path.split('/').filter(Boolean).join('/')}`);
  const matches = excludeMatcher(includePatterns);
  const mayMatch = mayMatchBelow(includePatterns);
  let within = wanted.includes('/') ? '' : undefined;
  return (path) => {
    if (isExcluded(path)) return 'outside';
    if (within !== undefined && path.startsWith(`${within}/`)) return 'inside';
    if (wanted.includes(path) || matches(path)) {
      within = path;
      return 'inside';
    }
    return mayMatch(path) || wanted.some((want) => want.startsWith(`${path}/`)) ? 'above' : 'outside';
  };
}
