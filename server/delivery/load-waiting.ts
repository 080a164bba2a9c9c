import type { NotificationChannelModel as ChannelRow } from '../db/generated/models.ts';
import type { ChannelFacts, WaitingDelivery } from '../../core/domain/delivery/plan-messages.ts';
import type { Severity, Transition } from '../../core/domain/delivery/notification.ts';
import type { Tx } from '../db/client.ts';

export type { ChannelRow };

/** So many are planned at once; a storm that is larger takes another round. */
const DELIVERIES_MAX = 2_000;
const HOUR_MS = 3_600_000;

export interface Waiting {
  readonly channel: ChannelRow;
  readonly deliveries: readonly WaitingDelivery[];
  readonly facts: Pick<ChannelFacts, 'over' | 'taken' | 'told' | 'sentMs'>;
}

interface Row {
  readonly id: string;
  readonly customer_id: string | null;
  readonly subject_key: string;
  readonly transition: string;
  readonly severity: string;
  readonly at: Date;
  readonly created_at: Date;
  readonly due_at: Date;
  readonly attempts: number;
  readonly asks_again: boolean;
  readonly sent_in: string | null;
}

/** What waits for a channel, with everything that the plan of its messages looks at. */
export async function loadWaiting(
  tx: Tx,
  tenantId: string,
  channelId: string,
  nowMs: number,
): Promise<Waiting | undefined> {
  const channel = await tx.notificationChannel.findFirst({ where: { tenantId, id: channelId } });
  if (channel === null) return undefined;
  const rows = await tx.$queryRaw<Row[]>`
    SELECT d.id, n.customer_id, n.subject_key, n.transition, n.severity, n.at, d.created_at, d.due_at, d.attempts,
      d.asks_again, d.sent_in
    FROM notification_delivery d JOIN notification n ON n.tenant_id = d.tenant_id AND n.id = d.notification_id
    WHERE d.tenant_id = ${tenantId}::uuid AND d.channel_id = ${channelId}::uuid AND d.state = 'waiting'
    ORDER BY d.due_at, d.id LIMIT ${DELIVERIES_MAX}`;
  const subjects = [...new Set(rows.map(({ subject_key }) => subject_key))];
  const ends = await tx.$queryRaw<{ subject_key: string; transition: string; at: Date }[]>`
    SELECT subject_key, transition, max(at) AS at FROM notification
    WHERE tenant_id = ${tenantId}::uuid AND subject_key = ANY (${subjects}::text[])
      AND transition IN ('resolved', 'acknowledged', 'snoozed') GROUP BY 1, 2`;
  const told = await tx.$queryRaw<{ subject_key: string }[]>`
    SELECT DISTINCT n.subject_key FROM notification n
    JOIN notification_delivery d ON d.tenant_id = n.tenant_id AND d.notification_id = n.id AND d.state = 'sent'
    WHERE n.tenant_id = ${tenantId}::uuid AND n.subject_key = ANY (${subjects}::text[]) AND n.transition = 'opened'
      AND d.channel_id = ${channelId}::uuid`;
  const sent = await tx.$queryRaw<{ ended_at: Date }[]>`
    SELECT ended_at FROM notification_delivery
    WHERE tenant_id = ${tenantId}::uuid AND channel_id = ${channelId}::uuid AND state = 'sent'
      AND (sent_in IS NULL OR sent_in = id) AND ended_at > ${new Date(nowMs - HOUR_MS)} ORDER BY ended_at`;
  const timesOf = (...transitions: string[]): Map<string, number> => {
    const times = new Map<string, number>();
    for (const { subject_key, transition, at } of ends)
      if (transitions.includes(transition)) times.set(subject_key, Math.max(times.get(subject_key) ?? 0, at.getTime()));
    return times;
  };
  return {
    channel,
    deliveries: rows.map((row) => ({
      id: row.id,
      customerId: row.customer_id,
      subjectKey: row.subject_key,
      transition: row.transition as Transition, // these two are held by CHECK constraints
      severity: row.severity as Severity,
      atMs: row.at.getTime(),
      createdMs: row.created_at.getTime(),
      dueMs: row.due_at.getTime(),
      attempts: row.attempts,
      asksAgain: row.asks_again,
      sentIn: row.sent_in,
    })),
    facts: {
      over: timesOf('resolved'),
      taken: timesOf('acknowledged', 'snoozed'),
      told: new Set(told.map(({ subject_key }) => subject_key)),
      sentMs: sent.map(({ ended_at }) => ended_at.getTime()),
    },
  };
}
