import { randomUUID } from 'node:crypto';

type Row = Readonly<Record<string, unknown>>;

/** One row in every table of restores that were asked for, and of what machines hold. */
export function restoreRows({
  device,
  point,
  at,
  later,
  userId,
}: {
  readonly device: Row;
  readonly point: Row;
  readonly at: string;
  readonly later: string;
  readonly userId: string;
}): [string, Row][] {
  return [
    [
      'restore_request',
      {
        ...device,
        ...point,
        id: randomUUID(),
        way: 'download',
        asker: 'customer',
        asked_by: userId,
        state: 'open',
        is_end_told: true,
        requested_at: at,
        deadline_at: later,
      },
    ],
    ['device_inventory', { ...device, volumes: [], databases: [], received_at: at }],
    [
      'coverage_exclusion',
      {
        ...device,
        id: randomUUID(),
        kind: 'volume',
        subject: '/canary',
        reason: 'canary',
        decided_by: userId,
        decided_at: at,
        withdrawn_by: userId,
        withdrawn_at: at,
      },
    ],
  ];
}
