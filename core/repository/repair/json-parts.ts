/**
 * The parts of a JSON text as they stand there. What a repair does not change keeps its bytes, so that fields which this
 * program does not know survive, and folders keep their ids. The texts were parsed before: they are well-formed.
 */

/** Each name (with its quotes) and the text of its value. */
export function objectParts(text: string): [string, string][] {
  return parts(text).map((part) => {
    const end = stringEnd(part, 0);
    return [part.slice(0, end), part.slice(part.indexOf(':', end) + 1).trim()];
  });
}

export function arrayParts(text: string): string[] {
  return parts(text);
}

/** What stands between the outermost brackets, cut at the commas. */
function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = -1;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') at = stringEnd(text, at) - 1;
    else if (letter === '{' || letter === '[') {
      depth += 1;
      if (depth === 1) start = at + 1;
    } else if (letter === '}' || letter === ']') {
      depth -= 1;
      if (depth === 0) {
        const last = text.slice(start, at).trim();
        if (last !== '') found.push(last);
        return found;
      }
    } else if (letter === ',' && depth === 1) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return found;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
