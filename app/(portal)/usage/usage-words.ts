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
