import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LONGEST } from './longest-first.ts';

test('every file that is said to take long is there: a renamed one would run last again', () => {
  const gone = LONGEST.filter((file) => !existsSync(fileURLToPath(new URL(`../../${file}`, import.meta.url))));
  expect(gone).toEqual([]);
  expect(new Set(LONGEST).size).toBe(LONGEST.length);
});
