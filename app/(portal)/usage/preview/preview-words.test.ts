import { expect, test } from 'vitest';
import { differenceText, previewSentence } from './preview-words.ts';

test('a difference has a sign and a unit, and what has nothing before it is new', () => {
  const line = { measure: 'storedBytes', why: [], proposed: 5n } as const;
  expect(differenceText({ ...line, current: 3n, change: 2_000_000_000n })).toBe('+2.00 GB');
  expect(differenceText({ ...line, current: 3n, change: -2_000_000_000n })).toBe('−2.00 GB');
  expect(differenceText({ ...line, measure: 'devices', current: 3n, change: -2n })).toBe('−2');
  expect(differenceText({ ...line, current: 5n, change: 0n })).toBe('as before');
  expect(differenceText({ ...line, current: null, change: 5n })).toBe('new');
});

test('the sentence counts who would be billed noticeably otherwise and who needs a look', () => {
  const one = { customerId: 'c', customer: 'C', currentMonth: null, proposedMonth: '2026-11', lines: [] };
  const same = { ...one, exceptions: [], isChanged: false };
  const flagged = { ...one, exceptions: [{ kind: 'jump', text: '' } as const], isChanged: true };
  expect(previewSentence([])).toBe('There is nothing to bill yet.');
  expect(previewSentence([same])).toBe(
    'None of 1 customer would be billed noticeably otherwise than in the last closed month; nothing needs a look.',
  );
  expect(previewSentence([same, flagged])).toBe(
    '1 of 2 customers would be billed noticeably otherwise than in the last closed month; 1 needs a look.',
  );
});
