import { expect, test } from 'vitest';
import { hashPassword, isPasswordRight } from './password.ts';

test('a password opens its own hash and no other, and no two hashes are alike', async () => {
  const stored = await hashPassword('correct horse');
  expect(stored).not.toContain('correct');
  expect(await hashPassword('correct horse')).not.toBe(stored);
  expect(await isPasswordRight('correct horse', stored)).toBe(true);
  expect(await isPasswordRight('correct horsf', stored)).toBe(false);
  expect(await isPasswordRight('', stored)).toBe(false);
});

test('a flood waits in a short line: two are computed, forty wait, the others are told to come back, and then all is well', async () => {
  const flood = await Promise.allSettled(Array.from({ length: 100 }, () => hashPassword('flood')));
  const refused = flood.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as { code: string }).code] : [],
  );
  expect(refused).toEqual(Array.from({ length: 58 }, () => 'rate_limited'));
  expect(await isPasswordRight('after', await hashPassword('after'))).toBe(true);
});
