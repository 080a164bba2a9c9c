import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SERVICE_VERSION } from './version.ts';

test('the version that evidence names is the one of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(SERVICE_VERSION).toBe(version);
});
