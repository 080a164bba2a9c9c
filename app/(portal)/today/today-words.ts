import type { TodayView } from '../../../server/alerts/view.ts';
import { formatCountOf, formatDuration } from '../../../core/domain/format.ts';

/** The one sentence of the morning: how much there is to do, and what will not wait. */
export function todaySentence({ groups, nowMs, devices }: Pick<TodayView, 'groups' | 'nowMs' | 'devices'>): string {
  if (groups.length === 0) return devices === 0 ? 'No device is protected yet.' : 'Nothing needs you.';
  const open = groups.filter(({ isAcknowledged }) => !isAcknowledged);
  const things = formatCountOf(groups.length, 'thing');
  if (open.length === 0) return `${things} ${groups.length === 1 ? 'stands' : 'stand'}, and somebody is on each.`;
  const coming = open.flatMap(({ breachMs }) => (breachMs !== null && breachMs > nowMs ? [breachMs] : []));
  const broken = open.filter(({ breachMs }) => breachMs !== null && breachMs <= nowMs).length;
  const needs = `${open.length === groups.length ? things : `${open.length} of ${things}`} ${open.length === 1 ? 'needs' : 'need'} you`;
  if (broken > 0)
    return `${needs}; ${broken === open.length ? (broken === 1 ? 'its data is' : 'the data is') : `in ${broken} of them data is`} older than was promised.`;
  if (coming.length > 0) return `${needs}; the first breaches in ${formatDuration(Math.min(...coming) - nowMs)}.`;
  return `${needs}.`;
}

/** Until the promise is broken, or since when it is. */
export function breachWords(
  breachMs: number | null,
  nowMs: number,
): { readonly text: string; readonly tone: 'risk' | 'warn' | 'quiet' } {
  if (breachMs === null) return { text: '', tone: 'quiet' };
  if (breachMs <= nowMs) return { text: `broken for ${formatDuration(nowMs - breachMs)}`, tone: 'risk' };
  const leftMs = breachMs - nowMs;
  return { text: `breaks in ${formatDuration(leftMs)}`, tone: leftMs < 4 * 3_600_000 ? 'warn' : 'quiet' };
}

/** "6 devices, 3 customers"; what is one alone is named: "SRV-SQL, Fjord Seafood", "6 devices of Fjord Seafood". */
export function reachWords({
  devices,
  customers,
  alerts,
}: {
  readonly devices: number;
  readonly customers: number;
  readonly alerts: readonly { readonly deviceName: string | null; readonly customerName: string }[];
}): string {
  if (customers > 1) {
    const all = formatCountOf(customers, 'customer');
    return devices === 0 ? all : `${formatCountOf(devices, 'device')}, ${all}`;
  }
  const { customerName } = alerts[0]!;
  if (devices === 0) return customerName;
  const named = devices === 1 ? alerts.find(({ deviceName }) => deviceName !== null) : undefined;
  return named === undefined
    ? `${formatCountOf(devices, 'device')} of ${customerName}`
    : `${named.deviceName}, ${customerName}`;
}
