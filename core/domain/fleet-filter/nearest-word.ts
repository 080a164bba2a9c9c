/** The one of the words that was probably meant: it begins alike, or one or two letters are wrong. */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  const text = typed.toLowerCase();
  const beginning = text.length < 2 ? undefined : words.find((word) => word.startsWith(text));
  if (beginning !== undefined) return beginning;
  const near = words
    .map((word) => ({ word, distance: editDistance(text, word) }))
    .filter(({ word, distance }) => distance <= (word.length > 4 ? 2 : 1))
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.word;
}

function editDistance(a: string, b: string): number {
  // Longer texts are no slips of the finger.
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
