import { expect, test } from 'vitest';
import { suspicionOf } from './suspicion.ts';

const size = (files: number, bytes = files * 1000) => ({ files, bytes });

test('more than nine of ten files gone is suspicious, a tenth that is left is not', () => {
  expect(suspicionOf(size(99), [size(1000)])).toBe('It holds 99 files where an earlier backup holds 1,000 files.');
  expect(suspicionOf(size(100), [size(1000)])).toBeUndefined();
  expect(suspicionOf(size(1), [size(20)])).toContain('1 file where');
});

test('as many files that hold next to nothing are suspicious', () => {
  expect(suspicionOf(size(1000, 4_000_000), [size(1000, 50_000_000)])).toBe(
    'Its files have 4 MB where those of an earlier backup have 50 MB.',
  );
  expect(suspicionOf(size(1000, 5_000_000), [size(1000, 50_000_000)])).toBeUndefined();
});

test('a first backup, growth, and the changes of a handful of files are not', () => {
  expect(suspicionOf(size(1), [])).toBeUndefined();
  expect(suspicionOf(size(5000), [size(1000)])).toBeUndefined();
  expect(suspicionOf(size(1, 1), [size(19, 90_000_000)])).toBeUndefined();
});

test('the second small backup is as suspicious as the first: the largest of the former counts', () => {
  expect(suspicionOf(size(3), [size(3), size(1000)])).toContain('1,000 files');
});
