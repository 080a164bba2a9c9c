import { describe, expect, test } from 'vitest';
import { checksFor, judgeNewest, judgeRowCounts, type RowCounts } from './database-checks.ts';

const judge = (now: RowCounts, before?: RowCounts, checks = {}) =>
  judgeRowCounts('the database shop', '/postgres/main/shop.dump', now, before, checks);

describe('rows', () => {
  test('none at all is a failure that says so, unless the source may be empty', () => {
    expect(judge({})).toMatchObject({ state: 'failed', output: expect.stringContaining('holds no table at all') });
    expect(judge({ a: 0 })).toMatchObject({ state: 'failed', output: expect.stringContaining('not one row') });
    expect(judge({}, undefined, { mayBeEmpty: true }).state).toBe('passed');
  });
  test('the first count is kept; a fall by more than the share fails, one by as much does not', () => {
    expect(judge({ a: 5 }).state).toBe('passed');
    expect(judge({ a: 500 }, { a: 1000 }).state).toBe('passed');
    expect(judge({ a: 499 }, { a: 1000 })).toMatchObject({
      state: 'failed',
      output: expect.stringContaining('a: 499 of 1,000 rows are left.'),
    });
    expect(judge({ a: 499 }, { a: 1000 }, { rowDropShareMax: 0.9 }).state).toBe('passed');
  });
  test('a table that is gone counts as empty; small and excepted ones are not judged', () => {
    expect(judge({ a: 1000 }, { a: 1000, b: 200 }).state).toBe('failed');
    expect(judge({ a: 1000 }, { a: 1000, b: 99 }).state).toBe('passed');
    expect(judge({ a: 1000 }, { a: 1000, session: 900 }, { rowCountsExcept: ['session'] }).state).toBe('passed');
  });
  test('many small tables that lose their rows together are a failure', () => {
    const before = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`t${n}`, 50]));
    expect(judge(Object.fromEntries(Object.keys(before).map((name) => [name, 1])), before).state).toBe('failed');
  });
});

describe('the newest time', () => {
  const CAPTURE = Date.UTC(2026, 10, 20);
  const wish = { table: 'order', column: 'placed_at', maxAgeMinutes: 60 };
  const answer = (ageMinutes: number | null, error: string | null = null) => ({
    table: 'order',
    column: 'placed_at',
    newestMs: ageMinutes === null ? null : CAPTURE - ageMinutes * 60_000,
    error,
  });
  const judged = (of: Parameters<typeof judgeNewest>[3], over = {}) =>
    judgeNewest('the database shop', '/x', { ...wish, ...over }, of, CAPTURE);
  test('older than allowed fails or warns; without a limit it is only shown', () => {
    expect(judged(answer(60)).state).toBe('passed');
    expect(judged(answer(61)).state).toBe('failed');
    expect(judged(answer(61), { onOld: 'warn' }).state).toBe('warning');
    expect(judged(answer(9999), { maxAgeMinutes: undefined }).state).toBe('passed');
  });
  test('what cannot be asked, or is not there, is a failure', () => {
    expect(judged(undefined).state).toBe('failed');
    expect(judged(answer(null, 'no such table')).output).toContain('no such table');
    expect(judged(answer(null)).output).toContain('holds no row');
  });
});

test('of several databases of a source each is asked what is meant for it', () => {
  const invariant = (name: string, database?: string) => ({ name, sql: 'SELECT 1', expect: '1', database });
  const checks = { invariants: [invariant('all'), invariant('shop', 'shop')], mayBeEmpty: true };
  expect(checksFor(checks, 'shop').invariants?.map(({ name }) => name)).toEqual(['all', 'shop']);
  expect(checksFor(checks, 'crm')).toMatchObject({ invariants: [{ name: 'all' }], mayBeEmpty: true });
  expect(checksFor(undefined, 'crm')).toEqual({});
});
