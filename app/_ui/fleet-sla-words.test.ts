import { expect, test } from 'vitest';
import { fleetSlaSentence, summarySentence } from './fleet-sla-words.ts';

const sums = (customersBelow: number, unmeasured: number) => ({
  ...{ sources: 9, belowTarget: customersBelow, customersBelow, credits: 0, unmeasured },
});
const month = '2026-10';
const customers = (...shares: readonly (number | null)[]) =>
  shares.map((worstShare, at) => ({ name: `Customer ${at}`, worstShare }));

test('of customers of whom nothing was measured no sentence says that they kept their targets', () => {
  expect(fleetSlaSentence({ sums: sums(0, 3), total: 3, month })).toBe('Nothing was measured in October 2026.');
  expect(summarySentence({ sums: sums(0, 2), customers: customers(null, null), month })).toBe(
    'Nothing was measured in October 2026.',
  );
  expect(fleetSlaSentence({ sums: sums(0, 1), total: 3, month })).toBe(
    'In October 2026 every source of 2 customers is within its target; of 1 customer nothing was measured.',
  );
  expect(summarySentence({ sums: sums(0, 1), customers: customers(1, null), month })).toBe(
    'In October 2026 every system of 1 customer was recoverable as agreed; of 1 customer nothing was measured.',
  );
});

test('the worst comes by its name, and a month in which all were measured and kept their targets says so', () => {
  expect(summarySentence({ sums: sums(1, 1), customers: customers(0.9, 1, null), month })).toBe(
    'In October 2026 1 of 3 customers had systems below target; worst is Customer 0 with a system at 90.00 %; of 1 customer nothing was measured.',
  );
  expect(fleetSlaSentence({ sums: sums(2, 0), total: 3, month })).toBe(
    'In October 2026 2 customers of 3 have sources below target.',
  );
  expect(fleetSlaSentence({ sums: sums(0, 0), total: 3, month })).toBe(
    'In October 2026 every source of 3 customers is within its target.',
  );
});
