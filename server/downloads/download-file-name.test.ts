import fc from 'fast-check';
import { expect, test } from 'vitest';
import { downloadFileName } from './download-file-name.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

test('keeps readable names and names a folder as zip', () => {
  expect(downloadFileName('/home/ada/Löwe 2026.pdf', 'file')).toBe('Löwe 2026.pdf');
  expect(downloadFileName('/home/ada', 'zip')).toBe('ada.zip');
  expect(downloadFileName('/', 'zip')).toBe('files.zip');
});

test('a name cannot turn around, break out of the header or hide', () => {
  expect(downloadFileName('/invoice\u202Efdp.exe', 'file')).toBe('invoice_fdp.exe');
  expect(downloadFileName('/a"\r\nSet-Cookie: x', 'file')).toBe('a___Set-Cookie_ x');
  expect(downloadFileName('/..', 'file')).toBe('_');
  expect(downloadFileName('/.bashrc', 'file')).toBe('_bashrc');
});

test(`always gives a plain, short name (seed ${seed})`, () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('file' as const, 'zip' as const),
      (name, kind) => {
        const given = downloadFileName(`/${name}`, kind);
        expect(given).not.toMatch(/[\p{Cc}\p{Cf}"\\/]|^\.|^$/u);
        expect(Array.from(given).length).toBeLessThanOrEqual(124);
      },
    ),
    { seed, numRuns: 500 },
  );
});
