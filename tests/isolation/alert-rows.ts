/** The rows of alerts, their rules and their history, for fill-tables.ts. */
import { randomUUID } from 'node:crypto';

type Row = Readonly<Record<string, unknown>>;

export function alertRows({
  tenantId,
  own,
  device,
  at,
  ids,
}: {
  readonly tenantId: string;
  readonly own: Row;
  readonly device: Row;
  readonly at: string;
  readonly ids: { readonly rule: string; readonly alert: string; readonly user: string; readonly policy: string };
}): [string, Row][] {
  return [
    [
      'alert_rule',
      {
        tenant_id: tenantId,
        id: ids.rule,
        kind: 'silent',
        is_built_in: false,
        name: 'canary',
        is_enabled: true,
        severity: 'warn',
        updated_by: ids.user,
      },
    ],
    [
      'alert',
      {
        ...device,
        id: ids.alert,
        policy_id: ids.policy,
        rule_id: ids.rule,
        owner_id: ids.user,
        acknowledged_by: ids.user,
        resolved_by: ids.user,
        kind: 'silent',
        title: 'canary',
        message: 'canary',
      },
    ],
    ['alert_event', { ...own, id: randomUUID(), alert_id: ids.alert, at, kind: 'opened', actor_id: ids.user }],
    ['alert_review', { tenant_id: tenantId, id: randomUUID(), user_id: ids.user, at, open_groups: 1, open_alerts: 1 }],
    ['device_gap', { ...device, from_at: '2026-01-01T00:00:00Z', until_at: at }],
    [
      'alert_urgency',
      { ...own, id: randomUUID(), rule_key: 'silent', severity: 'info', changed_by: ids.user, changed_at: at },
    ],
    ['unheard_finding', { ...device, id: randomUUID(), policy_id: ids.policy, kind: 'clone', found_at: at }],
    [
      'alert_rule_trial',
      { tenant_id: tenantId, id: randomUUID(), user_id: ids.user, definition: 'canary', alerts: 1, devices: 1, at },
    ],
    [
      'policy_baseline',
      { ...own, policy_id: ids.policy, version: 1, document: {}, accepted_at: at, accepted_by: ids.user },
    ],
  ];
}
