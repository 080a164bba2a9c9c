import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ZipFolderNames, zipName } from './zip-names.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

test('keeps readable names as they are', () => {
  for (const name of ['a.txt', 'Löwe & Söhne.pdf', '日本語', ' lead', 'trail ', '-rf', 'quote\'"', 'tab\tline\n'])
    expect(zipName(name)).toBe(name);
});

test(`no name leads out of the folder that it is unpacked in, and none is taken twice (seed ${seed})`, () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('..', '.', '', '/', '\\', 'a/b', 'a\\b', 'C:', 'C:x', '_', '../../etc', '\0'),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 30 }), (names) => {
      const folder = new ZipFolderNames();
      const taken = names.map((one) => folder.take(one));
      expect(new Set(taken).size).toBe(names.length);
      for (const one of taken) {
        expect(one).not.toMatch(/[/\\\0]|^[a-zA-Z]:/);
        expect(['', '.', '..']).not.toContain(one);
      }
    }),
    { seed, numRuns: 500 },
  );
});
