import { expect, test } from 'vitest';
import { contentDisposition } from './content-disposition.ts';

test('keeps a name in both forms, with every letter in the exact one', () => {
  expect(contentDisposition('report.zip')).toBe(`attachment; filename="report.zip"; filename*=UTF-8''report.zip`);
  expect(contentDisposition('Bücher (1).zip')).toBe(
    `attachment; filename="B_cher (1).zip"; filename*=UTF-8''B%C3%BCcher%20%281%29.zip`,
  );
});

test('lets no name end the header or choose a folder', () => {
  for (const name of ['a"; evil="', 'a\r\nset-cookie: b', '../../etc/passwd', 'a\\b', '\0', '\ud800x', '']) {
    const header = contentDisposition(name);
    expect(header).toMatch(/^attachment; filename="[^"\\/\r\n]+"; filename\*=UTF-8''[A-Za-z0-9%._~!-]+$/);
  }
});
