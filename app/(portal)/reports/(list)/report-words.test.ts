import { expect, test } from 'vitest';
import type { ReportState, ReportsView } from '../../../../server/reports/list-reports.ts';
import { mailWords, reportsSentence } from './report-words.ts';

const view = (counts: Partial<Record<ReportState, number>>): ReportsView => {
  const all = { open: 0, waiting: 0, failed: 0, ready: 0, corrected: 0, approved: 0, ...counts };
  const total = Object.values(all).reduce((sum, one) => sum + one, 0);
  return { nowMs: 0, month: '2026-10', months: [], reports: [], total, counts: all };
};

test('the page says first what asks for somebody', () => {
  expect(reportsSentence(view({}))).toBe('Nothing was measured in October 2026, so there is nothing to report.');
  expect(reportsSentence(view({ open: 2 }))).toContain('not closed yet');
  expect(reportsSentence(view({ waiting: 1, approved: 4 }))).toBe('1 report of October 2026 is being drawn.');
  expect(reportsSentence(view({ ready: 1, approved: 4 }))).toBe('1 report of October 2026 waits for your approval.');
  expect(reportsSentence(view({ ready: 1, corrected: 2 }))).toBe('3 reports of October 2026 wait for your approval.');
  expect(reportsSentence(view({ failed: 1, ready: 3 }))).toBe(
    '1 report of October 2026 could not be drawn, and 3 wait for approval.',
  );
  expect(reportsSentence(view({ approved: 5 }))).toBe('Every customer has its report of October 2026.');
});

test('a report that nobody was told about says why', () => {
  const approved = { id: 'r', revision: 1, sha256: '', bytes: 1, drawnMs: 0, approvedMs: 0, approvedBy: '' };
  const mail = { channels: 1, sent: 0, waiting: 0, failed: 0 };
  expect(mailWords({ approved: null, mail })).toBe('–');
  expect(mailWords({ approved, mail: { ...mail, channels: 0 } })).toBe('No mail address');
  expect(mailWords({ approved, mail })).toBe('No mail in the log');
  expect(mailWords({ approved, mail: { ...mail, sent: 2, failed: 1 } })).toBe('2 mails sent, 1 not sent');
});
