import { randomUUID } from 'node:crypto';

type Row = Readonly<Record<string, unknown>>;

/** One row in every table of what customers used and what they were told about a month. */
export function reportRows(
  own: { readonly tenant_id: string; readonly customer_id: string },
  userId: string,
): [string, Row][] {
  const at = new Date().toISOString();
  return [
    [
      'usage_day',
      { ...own, day: '2026-11-21', protected_bytes: 1, stored_bytes: 1, devices: 1, drills: 0, measured_at: at },
    ],
    [
      'usage_month',
      {
        ...own,
        month: '2026-11',
        protected_bytes: 1,
        stored_bytes: 1,
        stored_bytes_mean: 1,
        devices: 1,
        drills: 0,
        days_measured: 1,
        frozen_at: at,
      },
    ],
    [
      'report_brand',
      {
        ...own,
        id: randomUUID(),
        name: 'canary',
        accent: '#2749ad',
        footer: 'canary',
        contact: 'canary',
        paper: 'A4',
        changed_by: userId,
        changed_at: at,
      },
    ],
    [
      'month_report',
      {
        ...own,
        id: randomUUID(),
        month: '2026-11',
        revision: 1,
        state: 'ready',
        says_at: at,
        object_key: 'canary',
        sha256: randomUUID().replaceAll('-', '').repeat(2),
        bytes: 1,
        drawn_at: at,
        approved_by: userId,
        approved_at: at,
        created_at: at,
      },
    ],
  ];
}
