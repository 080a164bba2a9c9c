/** Days of roll-ups without a figure, for fill-tables.ts. */
const zeros = (...columns: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(columns.map((column) => [column, 0]));

const BOTH = zeros(
  ...['sources', 'sources_in_breach', 'window_seconds', 'violation_seconds', 'expected', 'ok', 'late', 'partial'],
  ...['accepted_partial', 'failed', 'missed', 'stuck', 'excused', 'drills_passed', 'drills_failed'],
);

export function customerDay(own: Readonly<Record<string, string>>, at: string): Readonly<Record<string, unknown>> {
  const alone = zeros('excused_seconds', 'restore_points', 'drills_void');
  return { ...own, day: '2026-11-21', ...BOTH, ...alone, computed_at: at };
}

/** A tenant has one row a day, whatever its customers: each call has a year of its own. */
export function tenantDay(tenantId: string, at: string): Readonly<Record<string, unknown>> {
  const year = 1000 + Math.floor(Math.random() * 9000);
  return { tenant_id: tenantId, day: `${year}-01-01`, customers: 1, ...BOTH, computed_at: at };
}
