import { formatCountOf } from '../../../../core/domain/format.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';
import type { ReportLine, ReportState, ReportsView } from '../../../../server/reports/list-reports.ts';
import type { StateWord } from '../../../_ui/state-words.ts';

export const REPORT_WORDS: Readonly<Record<ReportState, StateWord>> = {
  open: {
    word: 'Month open',
    tone: 'mute',
    shape: 'clock',
    meaning: 'The month is under way, or waits for its last backups. Its report is drawn when it closes.',
  },
  waiting: {
    word: 'Being drawn',
    tone: 'calm',
    shape: 'queued',
    meaning: 'The month is closed; a worker draws the report within the hour.',
  },
  failed: {
    word: 'Not drawn',
    tone: 'risk',
    shape: 'cross',
    meaning: 'The report could not be drawn. The figures of the month are not affected.',
  },
  ready: {
    word: 'Waits for approval',
    tone: 'warn',
    shape: 'half',
    meaning: 'The report is drawn. The customer sees it when somebody has approved it.',
  },
  corrected: {
    word: 'Corrected',
    tone: 'warn',
    shape: 'half',
    meaning: 'Figures changed after the approval. The customer has the earlier report until this one is approved.',
  },
  approved: { word: 'Approved', tone: 'calm', shape: 'check', meaning: 'The customer has this report.' },
};

export function reportsSentence({ counts, total, month }: ReportsView): string {
  const name = monthWords(month);
  if (total === 0) return `Nothing was measured in ${name}, so there is nothing to report.`;
  const asks = counts.ready + counts.corrected;
  if (counts.failed > 0)
    return `${formatCountOf(counts.failed, 'report')} of ${name} could not be drawn${asks > 0 ? `, and ${asks} wait for approval` : ''}.`;
  if (asks > 0)
    return `${formatCountOf(asks, 'report')} of ${name} ${asks === 1 ? 'waits' : 'wait'} for your approval.`;
  if (counts.approved === total) return `Every customer has its report of ${name}.`;
  if (counts.waiting > 0)
    return `${formatCountOf(counts.waiting, 'report')} of ${name} ${counts.waiting === 1 ? 'is' : 'are'} being drawn.`;
  return `${name} is not closed yet: its reports are drawn when it is.`;
}

/** Who was told, and what came of it. */
export function mailWords({ approved, mail }: Pick<ReportLine, 'approved' | 'mail'>): string {
  if (approved === null) return '–';
  const parts = [
    mail.sent > 0 ? `${formatCountOf(mail.sent, 'mail')} sent` : '',
    mail.waiting > 0 ? `${mail.waiting} on the way` : '',
    mail.failed > 0 ? `${mail.failed} not sent` : '',
  ].filter((part) => part !== '');
  if (parts.length > 0) return parts.join(', ');
  return mail.channels === 0 ? 'No mail address' : 'No mail in the log';
}
