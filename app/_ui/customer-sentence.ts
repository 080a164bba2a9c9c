import { monthWindow } from '../../core/domain/calendar.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { CustomerHomeView, SourceMonthView } from '../../server/customers/queries.ts';
import { formatDay, formatDuration } from '../../core/domain/format.ts';

/** "November" of "2026-11". */
export function monthName(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long' }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );
}

type Spoken = Pick<CustomerHomeView, 'month' | 'devices' | 'sources'> & {
  readonly customer: Pick<CustomerHomeView['customer'], 'timeZone'>;
};

/**
 * The one sentence of a customer's month. It speaks of the worst source, never of a mean that could hide it, and is cut,
 * never rounded up (metrics.md).
 */
export function customerSentence(view: Spoken): string {
  if (view.devices.length === 0) return 'Nothing is protected yet.';
  const measured = view.sources.filter((source) => source.attainment !== null);
  const protectedOnes = measured.filter((source) => source.peakMs !== null);
  if (protectedOnes.length === 0) {
    return view.devices.some((device) => device.dataAtMs !== null)
      ? 'Your data is backed up; the figures of this month follow shortly.'
      : 'Your first backup is not complete yet.';
  }
  const name = monthName(view.month);
  const worst = measured.reduce((a, b) => (b.attainment! < a.attainment! ? b : a));
  const { startMs } = monthWindow(view.month, view.customer.timeZone);
  // A source that joined in the middle of the month is measured from there on, and the sentence says so.
  const isWhole = worst.windowStartMs - startMs < 3600_000;
  const span = isWhole ? `${name} so far` : `the time since ${formatDay(worst.windowStartMs, view.customer.timeZone)}`;
  const time = worst.attainment === 1 ? `all of ${span}` : `${percentText(worst.attainment!)} of ${span}`;
  const whose =
    measured.length === 1 || worst.attainment === 1
      ? 'Your data was'
      : `On ${worst.deviceName}, the worst of ${measured.length} sources, your data was`;
  return `${whose} recoverable within the target for ${time}; ${lossWords(protectedOnes, view.customer.timeZone)}.`;
}

function lossWords(sources: readonly SourceMonthView[], timeZone: string): string {
  const peak = sources.reduce((a, b) => (b.peakMs! > a.peakMs! ? b : a));
  const day = peak.peakAtMs === null ? '' : ` on ${formatDay(peak.peakAtMs, timeZone)}`;
  return `the worst case loss was ${formatDuration(peak.peakMs!)}${day}`;
}
