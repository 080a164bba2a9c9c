import {
  BILLED_WORDS,
  type BillingPreview,
  type Billed,
  type PreviewLine,
} from '../../../../core/domain/billing-preview.ts';
import { formatBytes, formatCount, formatCountOf } from '../../../../core/domain/format.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';

/** An amount of a measure. */
export function amountText(measure: Billed, amount: bigint): string {
  return BILLED_WORDS[measure].unit === 'bytes' ? formatBytes(Number(amount)) : formatCount(Number(amount));
}

/** "+2", "−1.20 GB", "as before"; of what had nothing before, nothing. */
export function differenceText({ measure, current, change }: PreviewLine): string {
  if (current === null) return 'new';
  if (change === 0n) return 'as before';
  return change > 0n ? `+${amountText(measure, change)}` : `−${amountText(measure, -change)}`;
}

/** What the page says first. */
export function previewSentence(previews: readonly BillingPreview[]): string {
  if (previews.length === 0) return 'There is nothing to bill yet.';
  const changed = previews.filter(({ isChanged }) => isChanged).length;
  const flagged = previews.filter(({ exceptions }) => exceptions.length > 0).length;
  const all = formatCountOf(previews.length, 'customer');
  const differ =
    changed === 0
      ? `None of ${all} would be billed noticeably otherwise`
      : `${formatCount(changed)} of ${all} would be billed noticeably otherwise`;
  return `${differ} than in the last closed month; ${flagged === 0 ? 'nothing needs a look' : `${formatCount(flagged)} ${flagged === 1 ? 'needs' : 'need'} a look`}.`;
}

/** "November 2026 against October 2026". */
export function monthsText({ currentMonth, proposedMonth }: BillingPreview): string {
  const proposed = monthWords(proposedMonth);
  return currentMonth === null
    ? `${proposed}; no month was closed before`
    : `${proposed} against ${monthWords(currentMonth)}`;
}
