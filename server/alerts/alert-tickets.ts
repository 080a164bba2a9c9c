/** The tickets that a service desk has for alerts: whoever looks at one goes there, and opens no second one by hand. */
import type { Tx } from '../db/client.ts';
import { alertSubject } from '../delivery/alert-subject.ts';

export interface AlertTicket {
  /** As the provider called the desk. */
  readonly channelName: string;
  /** The desk's own; null: it was asked for, and nobody knows yet whether it was opened. */
  readonly ticketId: string | null;
  readonly isClosed: boolean;
}

interface Told {
  readonly id: string;
  readonly episodeId: string | null;
}

/** By alert. `isOpenOnly`: without those that are closed. */
export async function loadTickets(
  tx: Tx,
  tenantId: string,
  alerts: readonly Told[],
  { isOpenOnly }: { readonly isOpenOnly: boolean },
): Promise<ReadonlyMap<string, readonly AlertTicket[]>> {
  if (alerts.length === 0) return new Map();
  const rows = await tx.externalTicket.findMany({
    where: {
      tenantId,
      subjectKey: { in: [...new Set(alerts.map(alertSubject))] },
      ...(isOpenOnly ? { closedAt: null } : {}),
    },
    orderBy: { openedAt: 'asc' },
  });
  if (rows.length === 0) return new Map();
  const channels = await tx.notificationChannel.findMany({
    where: { tenantId, id: { in: [...new Set(rows.map(({ channelId }) => channelId))] } },
    select: { id: true, name: true },
  });
  const nameOf = new Map(channels.map(({ id, name }) => [id, name]));
  const bySubject = Map.groupBy(rows, ({ subjectKey }) => subjectKey);
  return new Map(
    alerts.map((alert) => [
      alert.id,
      (bySubject.get(alertSubject(alert)) ?? []).map(({ channelId, ticketId, closedAt }) => ({
        channelName: nameOf.get(channelId) ?? 'a removed channel',
        ticketId,
        isClosed: closedAt !== null,
      })),
    ]),
  );
}
