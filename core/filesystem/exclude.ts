/**
 * Exclude patterns, a practical part of restic's: a pattern without a slash names an entry anywhere; with a leading slash it
 * is anchored at the root; otherwise its parts may begin at any folder. `*` and `?` stay within a name, `[…]` is a class
 * (`[^…]` its opposite), `**` stands for any number of folders. What is excluded is excluded with everything below it.
 */

type Part = RegExp | 'any-folders';

interface Pattern {
  readonly isAnchored: boolean;
  readonly parts: readonly Part[];
}

const SPECIAL = /[.+^${}()|\\/]/g;

function compilePart(text: string): Part {
  if (text === '**') return 'any-folders';
  let source = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!;
    const close = letter === '[' ? text.indexOf(']', at + 2) : -1;
    if (letter === '*') source += '[^/]*';
    else if (letter === '?') source += '[^/]';
    else if (close !== -1) {
      source += `[${text.slice(at + 1, close).replace(/\\/g, '\\\\')}]`;
      at = close;
    } else if (letter === '\\' && at + 1 < text.length) {
      at += 1;
      source += text[at]!.replace(SPECIAL, '\\$&');
    } else source += letter.replace(SPECIAL, '\\$&').replace(/[[\]]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 'su');
}

function compile(pattern: string): Pattern {
  const parts = pattern.split('/').filter(Boolean).map(compilePart);
  return { isAnchored: pattern.startsWith('/'), parts };
}

function matchesFrom(parts: readonly Part[], names: readonly string[], part: number, name: number): boolean {
  if (part === parts.length) return name === names.length;
  const wanted = parts[part]!;
  if (wanted === 'any-folders') {
    for (let skip = name; skip <= names.length; skip += 1) if (matchesFrom(parts, names, part + 1, skip)) return true;
    return false;
  }
  return name < names.length && wanted.test(names[name]!) && matchesFrom(parts, names, part + 1, name + 1);
}

/** A test of absolute paths; the caller asks for every entry on its way down, so that only whole matches count. */
export function excludeMatcher(patterns: readonly string[]): (path: string) => boolean {
  const compiled = patterns.filter((pattern) => pattern.trim() !== '').map(compile);
  if (compiled.length === 0) return () => false;
  return (path) => {
    const names = path.split('/').filter(Boolean);
    return compiled.some(({ isAnchored, parts }) => {
      if (isAnchored) return matchesFrom(parts, names, 0, 0);
      for (let start = 0; start < names.length; start += 1) if (matchesFrom(parts, names, 0, start)) return true;
      return false;
    });
  };
}
