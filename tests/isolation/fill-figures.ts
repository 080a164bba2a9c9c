type Row = Readonly<Record<string, unknown>>;

/** One month of a source. */
export function sourceMonthRow(source: Row): [string, Row] {
  const at = new Date().toISOString();
  const later = new Date(Date.now() + 60_000).toISOString();
  return [
    'source_month',
    {
      ...source,
      month: '2026-11',
      window_start: at,
      window_end: later,
      window_seconds: 60,
      violation_seconds: 0,
      rpo_seconds: 60,
      restore_points: 1,
      expected: 1,
      ok: 1,
      late: 0,
      partial: 0,
      failed: 0,
      missed: 0,
      excused: 0,
      drills_passed: 0,
      drills_failed: 0,
      drills_void: 0,
      computed_at: at,
    },
  ];
}
