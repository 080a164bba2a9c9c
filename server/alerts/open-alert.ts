/** Alerts: something that needs a person. One open alert a subject and rule, however often the cause is seen. */
import { newId } from '../../core/base/ids.ts';
import { findingCause } from '../../core/domain/alerts/causes.ts';
import type { Resolution } from '../../core/domain/alerts/events.ts';
import { type AlertKind, isFoundKind, type Severity } from '../../core/domain/alerts/kinds.ts';
import { weighedFor } from '../../core/domain/alerts/urgency.ts';
import { FLAP_MS } from '../../core/domain/alerts/reconcile.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { announceAlerts } from './alert-events.ts';
import { findRuleFor } from './load-rules.ts';
import { loadUrgencies } from './load-urgencies.ts';
import { endUnheard, noteUnheard } from './unheard-findings.ts';

/** As much of a change as it takes; a heartbeat is none, and writes its audit row itself. */
export type AlertChange = Pick<Change, 'tx' | 'audit'>;

/** What an alert is about: a device, a policy, or (both null) a customer. */
export interface AlertSubject {
  readonly tenantId: string;
  readonly customerId: string;
  readonly deviceId: string | null;
  readonly policyId?: string | null;
}

export interface NewAlert extends AlertSubject {
  readonly kind: AlertKind;
  /** A few words. */
  readonly title: string;
  /** What happened, what it means for the data, what to do. */
  readonly message: string;
  /** Alerts of one cause are one piece of work. Left out: the kind, or what a drill said. */
  readonly cause?: string;
}

/** One that a rule has weighed already. */
export interface WeighedAlert extends NewAlert {
  readonly ruleId: string | null;
  readonly severity: Severity;
  readonly cause: string;
}

/**
 * Opens an alert of a finding. Where the rule of its kind is off, or looks elsewhere, nobody is told, and the finding is kept for
 * a back-test.
 * @returns false when it is known already; it keeps its beginning and its text.
 */
export async function openAlert(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  alert: NewAlert,
): Promise<boolean> {
  const rule = await findRuleFor(change.tx, alert.tenantId, alert);
  if (rule === undefined) return isFoundKind(alert.kind) && (await noteUnheard(services, change, alert, alert.kind));
  if (isFoundKind(alert.kind)) await endUnheard(services, change, alert, alert.kind);
  const cause = alert.cause ?? findingCause(alert.kind, alert.message);
  const weighed = { ...alert, ruleId: null, severity: rule.severity, cause };
  const urgencies = await loadUrgencies(change.tx, alert.tenantId, alert.customerId);
  const opened = await insertAlerts(services, change, [weighedFor(weighed, alert.customerId, urgencies)]);
  return opened > 0;
}

interface OpenedRow {
  readonly id: string;
  readonly customer_id: string;
  readonly device_id: string | null;
  readonly kind: string;
  readonly severity: string;
  readonly reopenings: number;
}

/**
 * Writes alerts of one tenant in one statement. One that was over by itself a moment ago comes back as another row of the same
 * episode, with its people, its snooze and its count: its times stay exact, and nobody is told as if it were new.
 */
export async function insertAlerts(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  alerts: readonly WeighedAlert[],
): Promise<number> {
  const [first] = alerts;
  if (first === undefined) return 0;
  const { tenantId } = first;
  const now = new Date(services.clock.nowMs());
  const rows = alerts.map((alert) => ({
    id: newId(services.clock),
    customer_id: alert.customerId,
    device_id: alert.deviceId,
    policy_id: alert.policyId ?? null,
    kind: alert.kind,
    rule_id: alert.ruleId,
    severity: alert.severity,
    cause: alert.cause,
    title: alert.title,
    message: alert.message,
  }));
  const opened = await change.tx.$queryRaw<OpenedRow[]>`
    INSERT INTO alert (tenant_id, id, customer_id, device_id, policy_id, kind, rule_id, severity, cause, title, message,
      opened_at, episode_id, reopenings, acknowledged_at, acknowledged_by, owner_id, snoozed_until)
    SELECT ${tenantId}::uuid, n.id, n.customer_id, n.device_id, n.policy_id, n.kind, n.rule_id, n.severity, n.cause, n.title,
      n.message, ${now}, f.episode_id, coalesce(f.reopenings + 1, 0), f.acknowledged_at, f.acknowledged_by, f.owner_id, f.snoozed_until
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS n(id uuid, customer_id uuid, device_id uuid, policy_id uuid,
      kind text, rule_id uuid, severity text, cause text, title text, message text)
    LEFT JOIN LATERAL (
      SELECT coalesce(a.episode_id, a.id) AS episode_id, a.reopenings, a.acknowledged_at, a.acknowledged_by, a.owner_id, a.snoozed_until
      FROM alert a
      WHERE a.tenant_id = ${tenantId}::uuid AND a.customer_id = n.customer_id AND a.device_id IS NOT DISTINCT FROM n.device_id
        AND a.policy_id IS NOT DISTINCT FROM n.policy_id AND a.kind = n.kind AND a.rule_id IS NOT DISTINCT FROM n.rule_id
        AND a.resolution = 'recovered' AND a.resolved_at > ${new Date(now.getTime() - FLAP_MS)}
      ORDER BY a.resolved_at DESC LIMIT 1) f ON true
    ON CONFLICT (tenant_id, customer_id, device_id, policy_id, kind, rule_id) WHERE resolved_at IS NULL DO NOTHING
    RETURNING id, customer_id, device_id, kind, severity, reopenings`;
  for (const { id, kind, device_id: deviceId } of opened)
    await change.audit('alert.opened', { kind: 'alert', id }, { alert: kind, deviceId });
  await announceAlerts(
    services,
    change,
    tenantId,
    opened.map(({ id, customer_id: customerId, kind, severity, reopenings }) => ({
      alertId: id,
      customerId,
      event: reopenings > 0 ? 'reopened' : 'opened',
      data: { alert: kind, severity },
    })),
  );
  return opened.length;
}

/** Closes the open alert of this kind and of the built-in rule, if there is one. Where no device is concerned, the customer must be named. @returns whether anything was over by it. */
export async function resolveAlert(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  device: {
    readonly tenantId: string;
    readonly customerId?: string;
    readonly deviceId: string | null;
    readonly policyId?: string | null;
  },
  kind: AlertKind,
): Promise<boolean> {
  const { tenantId, customerId, deviceId, policyId = null } = device;
  const wasUnheard = isFoundKind(kind) && (await endUnheard(services, change, device, kind));
  const open = await change.tx.alert.findMany({
    where: {
      tenantId,
      ...(customerId === undefined ? {} : { customerId }),
      deviceId,
      policyId,
      kind,
      resolvedAt: null,
    },
    select: { id: true },
  });
  if (open.length === 0) return wasUnheard;
  return (
    (await resolveAlerts(
      services,
      change,
      tenantId,
      open.map(({ id }) => id),
      'recovered',
    )) > 0
  );
}

/** Closes these alerts, with the reason, for what is still open of them. */
export async function resolveAlerts(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  tenantId: string,
  ids: readonly string[],
  resolution: Resolution,
  by: { readonly actorId: string; readonly note: string } | null = null,
): Promise<number> {
  if (ids.length === 0) return 0;
  const now = new Date(services.clock.nowMs());
  const resolved = await change.tx.$queryRaw<
    { id: string; customer_id: string; device_id: string | null; kind: string }[]
  >`UPDATE alert SET resolved_at = greatest(${now}, opened_at), resolution = ${resolution}, resolved_by = ${by?.actorId ?? null}::uuid
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY (${[...ids]}::uuid[]) AND resolved_at IS NULL
    RETURNING id, customer_id, device_id, kind`;
  for (const { id, kind, device_id: deviceId } of resolved)
    await change.audit('alert.resolved', { kind: 'alert', id }, { alert: kind, deviceId, resolution });
  await announceAlerts(
    services,
    change,
    tenantId,
    resolved.map(({ id, customer_id: customerId }) => ({
      alertId: id,
      customerId,
      event: 'resolved',
      actorId: by?.actorId ?? null,
      data: { resolution, ...(by === null ? {} : { note: by.note }) },
    })),
  );
  return resolved.length;
}
