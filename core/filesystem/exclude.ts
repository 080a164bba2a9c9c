/**
 * Exclude patterns, a practical part of restic's: a pattern without a slash names an entry anywhere; with a leading slash it
 * is anchored at the root; otherwise its parts may begin at any folder. `*` and `?` stay within a name, `[…]` is a class
 * (`[^…]` its opposite), `\` takes the next letter as it is, `**` as a whole part stands for any number of folders. What is
 * excluded is excluded with everything below it. A pattern with `!` in front takes back what an earlier one has matched, for
 * what it names and for everything below that; a folder that is excluded is not entered to look for such.
 */

/** One place of a pattern: does this item match? 'any' stands for any number of items. */
type Token<Item> = ((item: Item) => boolean) | 'any';

/**
 * Whether the tokens match all items. Only the last 'any' is ever tried again with one item more: what an earlier one could
 * take instead, the later one can take as well. So it takes at most tokens x items steps, whatever the pattern.
 */
function matches<Item>(tokens: readonly Token<Item>[], items: readonly Item[]): boolean {
  let token = 0;
  let item = 0;
  let retryToken = -1;
  let retryItem = 0;
  while (item < items.length) {
    const wanted = tokens[token];
    if (wanted === 'any') {
      token += 1;
      retryToken = token;
      retryItem = item;
    } else if (wanted?.(items[item]!)) {
      token += 1;
      item += 1;
    } else if (retryToken >= 0) {
      retryItem += 1;
      token = retryToken;
      item = retryItem;
    } else return false;
  }
  while (tokens[token] === 'any') token += 1;
  return token === tokens.length;
}

function compileName(text: string): (name: string) => boolean {
  const letters = Array.from(text);
  const tokens: Token<string>[] = [];
  let literal: string | undefined = '';
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at]!;
    // `[]…]` holds a bracket: the class ends at the next one.
    const first = letters[at + 1] === '^' ? at + 2 : at + 1;
    const end = letter === '[' ? classEnd(letters, first) : -1;
    if (letter === '*') {
      if (tokens.at(-1) !== 'any') tokens.push('any');
    } else if (letter === '?') tokens.push(() => true);
    else if (end !== -1) {
      tokens.push(compileClass(letters.slice(first, end), first === at + 2));
      at = end;
    } else {
      const plain: string = letter === '\\' && at + 1 < letters.length ? letters[++at]! : letter;
      tokens.push((other) => other === plain);
      literal = literal === undefined ? undefined : literal + plain;
      continue;
    }
    literal = undefined;
  }
  // Most parts are plain names, and every entry is compared with every pattern.
  const whole = literal;
  return whole === undefined ? (name) => matches(tokens, Array.from(name)) : (name) => name === whole;
}

/** Where the bracket is that closes a class; what begins it, or follows a backslash, does not. */
function classEnd(letters: readonly string[], first: number): number {
  for (let at = letters[first] === '\\' ? first + 2 : first + 1; at < letters.length; at += 1) {
    if (letters[at] === ']') return at;
    if (letters[at] === '\\') at += 1;
  }
  return -1;
}

function compileClass(letters: readonly string[], isOpposite: boolean): (letter: string) => boolean {
  const ranges: [string, string][] = [];
  let at = 0;
  const next = (): string => (letters[at] === '\\' && at + 1 < letters.length ? letters[++at]! : letters[at]!);
  for (; at < letters.length; at += 1) {
    const low = next();
    let high = low;
    if (letters[at + 1] === '-' && at + 2 < letters.length) {
      at += 2;
      high = next();
    }
    ranges.push([low, high]);
  }
  const point = (letter: string): number => letter.codePointAt(0) ?? 0;
  return (letter) =>
    ranges.some(([low, high]) => point(low) <= point(letter) && point(letter) <= point(high)) !== isOpposite;
}

function compile(pattern: string): readonly Token<string>[] {
  const parts = partsOf(pattern).map((part): Token<string> => (part === '**' ? 'any' : compileName(part)));
  return pattern.startsWith('/') ? parts : ['any', ...parts];
}

/** As the path that it is part of would be written: `a/./b/../c` is `a/c`. */
function partsOf(pattern: string): string[] {
  const parts: string[] = [];
  for (const part of pattern.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..' || (parts.length === 0 ? !pattern.startsWith('/') : parts.at(-1) === '..')) parts.push(part);
    else parts.pop();
  }
  return parts;
}

/** A test of absolute paths; the caller asks for every entry on its way down, so that only whole matches count. */
export function excludeMatcher(patterns: readonly string[]): (path: string) => boolean {
  const compiled = patterns
    .filter((pattern) => pattern.trim() !== '')
    .map((pattern) => {
      const takesBack = pattern.startsWith('!');
      // What is taken back is so with everything below it: there the earlier pattern may match again.
      return { takesBack, tokens: takesBack ? [...compile(pattern.slice(1)), 'any' as const] : compile(pattern) };
    });
  if (compiled.length === 0) return () => false;
  return (path) => {
    const names = path.split('/').filter(Boolean);
    let isMatch = false;
    for (const { takesBack, tokens } of compiled)
      if (isMatch === takesBack && matches(tokens, names)) isMatch = !takesBack;
    return isMatch;
  };
}

/** A test of absolute paths of folders: could an entry below this one match, whatever its name? */
export function mayMatchBelow(patterns: readonly string[]): (path: string) => boolean {
  const compiled = patterns.filter((pattern) => pattern.trim() !== '' && !pattern.startsWith('!')).map(compile);
  return (path) => {
    const names = path.split('/').filter(Boolean);
    return compiled.some((tokens) => {
      for (const [at, name] of names.entries()) {
        const token = tokens[at];
        if (token === 'any') return true;
        if (!token?.(name)) return false;
      }
      return tokens.length > names.length;
    });
  };
}
