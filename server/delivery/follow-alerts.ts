/**
 * What happens to alerts becomes notifications. Every event is a row in the transaction that made it; one that has no
 * notification yet gets one here, in their order. A pass that is repeated finds nothing to do.
 */
import { type AlertEventKind, RESOLUTION_WORDS, type Resolution } from '../../core/domain/alerts/events.ts';
import type { Severity as AlertSeverity } from '../../core/domain/alerts/kinds.ts';
import type { NotificationEvent, Severity, Transition } from '../../core/domain/delivery/notification.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { alertSubject } from './alert-subject.ts';
import { publishNotification } from './publish.ts';

const BATCH = 200;
const BATCHES_MAX = 50;
/** What happened while the service was down for days stands in the portal; nobody is woken up for it. */
const OLDEST_MS = 24 * 3_600_000;

/** A snooze that ends is a beginning again. An excuse ends its alert, which is an event of its own. */
const TRANSITIONS: Readonly<Record<AlertEventKind, Transition | null>> = {
  opened: 'opened',
  reopened: 'opened',
  woken: 'opened',
  updated: 'updated',
  acknowledged: 'acknowledged',
  assigned: 'acknowledged',
  snoozed: 'snoozed',
  excused: null,
  resolved: 'resolved',
};
const SEVERITIES: Readonly<Record<AlertSeverity, Severity>> = { risk: 'critical', warn: 'warning', info: 'info' };

interface EventRow {
  readonly id: string;
  readonly event: AlertEventKind;
  readonly at: Date;
  readonly customer_id: string;
  readonly alert_id: string;
  readonly episode_id: string | null;
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly title: string;
  readonly message: string;
  readonly resolution: Resolution | null;
  readonly subject_name: string;
}

export async function followAlerts(services: Services, claim: Claim): Promise<void> {
  const { scope } = claim;
  for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
    const count = await withScope(services, scope, async (tx) => {
      await claim.guard(tx);
      const rows = await loadUntold(tx, scope.tenantId, new Date(services.clock.nowMs() - OLDEST_MS));
      for (const row of rows) await publishNotification(services, tx, scope, eventOf(scope.tenantId, row));
      return rows.length;
    });
    if (count < BATCH) return;
  }
}

async function loadUntold(tx: Tx, tenantId: string, since: Date): Promise<EventRow[]> {
  const told = Object.entries(TRANSITIONS).flatMap(([kind, transition]) => (transition === null ? [] : [kind]));
  return await tx.$queryRaw<EventRow[]>`
    SELECT e.id, e.kind AS event, e.at, e.customer_id, e.alert_id, a.episode_id, a.kind, a.severity, a.title, a.message,
      a.resolution, coalesce(d.name, p.name, c.name) AS subject_name
    FROM alert_event e
    JOIN alert a ON a.tenant_id = e.tenant_id AND a.id = e.alert_id
    JOIN customer c ON c.tenant_id = e.tenant_id AND c.id = e.customer_id
    LEFT JOIN device d ON d.tenant_id = a.tenant_id AND d.id = a.device_id
    LEFT JOIN policy p ON p.tenant_id = a.tenant_id AND p.id = a.policy_id
    WHERE e.tenant_id = ${tenantId}::uuid AND e.at > ${since} AND e.kind = ANY (${told}::text[])
      AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.tenant_id = e.tenant_id AND n.source_key = 'alert_event:' || e.id)
      -- The order of events is that of their transactions: one that is still under way may come before these.
      AND e.txid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint
    ORDER BY e.txid, e.at, e.id LIMIT ${BATCH}`;
}

function eventOf(tenantId: string, row: EventRow): NotificationEvent {
  const transition = TRANSITIONS[row.event] ?? 'updated';
  const resolution = transition === 'resolved' ? row.resolution : null;
  return {
    tenantId,
    customerId: row.customer_id,
    sourceKey: `alert_event:${row.id}`,
    subjectKey: alertSubject({ id: row.alert_id, episodeId: row.episode_id }),
    transition,
    severity: SEVERITIES[row.severity],
    kind: row.kind,
    subjectName: row.subject_name,
    title: row.title,
    message: resolution !== null ? `${RESOLUTION_WORDS[resolution]} It was: ${row.message}` : row.message,
    path: `/alerts/${row.alert_id}`,
    atMs: row.at.getTime(),
  };
}
