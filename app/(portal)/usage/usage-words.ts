import { isQuotaTight } from '../../../core/domain/alerts/quota.ts';
import { builtInRule } from '../../../core/domain/alerts/rules.ts';
import { formatBytes, formatCountOf } from '../../../core/domain/format.ts';
import { percentText } from '../../../core/domain/sla/percent-text.ts';
import type { StorageForecast } from '../../../server/usage/view-forecast.ts';
import type { CustomerUsage } from '../../../server/usage/list-usage.ts';

/** Against the month before: "12 % more", "as before". Never rounded to nothing: a change that is seen has a word. */
export function changeWords(now: number, before: number | null): string {
  if (before === null || (before === 0 && now > 0)) return 'new this month';
  if (now === before) return 'as before';
  const share = (Math.abs(now - before) / before) * 100;
  const word = now > before ? 'more' : 'less';
  return share < 1 ? `a little ${word}` : `${Math.floor(share)} % ${word}`;
}

/** Each customer's own highest values, added up: what is billed together, though not reached on one day. */
export function sumUsage(rows: readonly CustomerUsage[]) {
  return rows.reduce(
    (sum, row) => ({
      protectedBytes: sum.protectedBytes + row.protectedBytes,
      storedBytes: sum.storedBytes + row.storedBytes,
      devices: sum.devices + row.devices,
      drills: sum.drills + row.drills,
    }),
    { protectedBytes: 0n, storedBytes: 0n, devices: 0, drills: 0 },
  );
}

/** When what was agreed is full; without an agreement, how fast it grows. */
export function forecastWords({ quota, bytesPerDay, days }: StorageForecast): {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly isTight: boolean;
} {
  const pace = bytesPerDay <= 0 ? 'does not grow' : `grows by ${formatBytes(bytesPerDay)} a day`;
  const from = `from ${formatCountOf(days, 'day')} of the last four weeks`;
  if (quota === null)
    return {
      name: 'Growth of what is stored',
      value: bytesPerDay <= 0 ? 'none' : `${formatBytes(bytesPerDay)} a day`,
      note: `no quota is agreed on; ${from}`,
      isTight: false,
    };
  const { daysLeft, usedShare, bytes } = quota;
  return {
    name: 'Quota is full',
    value: daysLeft === 0 ? 'now' : daysLeft === null ? 'not at this pace' : `in ${formatCountOf(daysLeft, 'day')}`,
    note: `${percentText(usedShare, 0)} of ${formatBytes(bytes)} used; ${pace}, ${from}`,
    isTight: isQuotaTight(quota, builtInRule('quota').parameters),
  };
}
