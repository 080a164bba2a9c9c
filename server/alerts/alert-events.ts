/**
 * The one place where an alert's history is written, in the transaction that changes it. Whoever tells people (mail, chat,
 * tickets) reads these rows by a cursor, so that nothing is told that did not happen, and nothing that happened is left out.
 */
import { newId } from '../../core/base/ids.ts';
import type { AlertEventKind } from '../../core/domain/alerts/events.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

export interface AlertTransition {
  readonly alertId: string;
  readonly customerId: string;
  readonly event: AlertEventKind;
  /** Null: the service by itself. */
  readonly actorId?: string | null;
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
}

/** What happened to alerts, in the order in which it did. */
export async function announceAlerts(
  services: Pick<Services, 'clock'>,
  { tx }: Pick<Change, 'tx'>,
  tenantId: string,
  transitions: readonly AlertTransition[],
): Promise<void> {
  if (transitions.length === 0) return;
  const at = new Date(services.clock.nowMs());
  await tx.alertEvent.createMany({
    data: transitions.map(({ alertId, customerId, event, actorId = null, data = {} }) => ({
      tenantId,
      id: newId(services.clock),
      customerId,
      alertId,
      at,
      kind: event,
      actorId,
      data: { ...data },
    })),
  });
}

/** Where a reader is; it begins with zeros. */
export interface AlertCursor {
  readonly txid: bigint;
  readonly id: string;
}

export interface AlertEventRow extends AlertCursor {
  readonly alertId: string;
  readonly customerId: string;
  readonly at: Date;
  readonly kind: AlertEventKind;
  readonly actorId: string | null;
  readonly data: unknown;
}

/**
 * The next events of the tenant after the cursor. Transactions end in another order than they begin: an event is only read
 * when every transaction before its own has ended, so that a reader never passes one that is still to come.
 */
export async function readAlertEvents(
  tx: Tx,
  tenantId: string,
  after: AlertCursor,
  limit: number,
): Promise<AlertEventRow[]> {
  return await tx.$queryRaw<AlertEventRow[]>`
    SELECT txid, id, alert_id AS "alertId", customer_id AS "customerId", at, kind, actor_id AS "actorId", data
    FROM alert_event
    WHERE tenant_id = ${tenantId}::uuid AND (txid, id) > (${after.txid}::bigint, ${after.id}::uuid)
      AND txid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint
    ORDER BY txid, id LIMIT ${limit}`;
}
