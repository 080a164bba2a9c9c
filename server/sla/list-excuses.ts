import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { Tx } from '../db/client.ts';

export interface ExcuseView extends Interval {
  readonly id: string;
  /** Null: every device. */
  readonly deviceName: string | null;
  readonly reason: string;
  readonly state: 'requested' | 'approved' | 'refused' | 'withdrawn';
  readonly requestedBy: string;
  readonly decidedBy: string | null;
  readonly decidedMs: number | null;
  readonly decisionWords: string | null;
  readonly withdrawnBy: string | null;
  readonly withdrawalWords: string | null;
}

/** The provider's people are behind the wall of a customer's own: the row is not given, whatever its type says. */
const nameOf = (person: { readonly name: string } | null): string => person?.name ?? 'your provider';

/** What was asked for in a window, whatever became of it; the newest first. `of`: what concerns this source alone. */
export async function listExcuses(
  tx: Tx,
  where: { readonly tenantId: string; readonly customerId: string },
  window: Interval,
  of: { readonly sourceId: string; readonly deviceId: string } | null = null,
): Promise<ExcuseView[]> {
  const rows = await tx.slaExcuse.findMany({
    where: {
      ...where,
      startsAt: { lt: new Date(window.endMs) },
      endsAt: { gt: new Date(window.startMs) },
      ...(of === null
        ? {}
        : {
            AND: [
              { OR: [{ deviceId: null }, { deviceId: of.deviceId }] },
              { OR: [{ sourceId: null }, { sourceId: of.sourceId }] },
            ],
          }),
    },
    orderBy: { startsAt: 'desc' },
    take: 200,
    include: {
      device: { select: { name: true } },
      requester: { select: { name: true } },
      decider: { select: { name: true } },
      withdrawer: { select: { name: true } },
    },
  });
  return rows.map((row) => ({
    id: row.id,
    startMs: row.startsAt.getTime(),
    endMs: row.endsAt.getTime(),
    deviceName: row.device?.name ?? null,
    reason: row.reason,
    state: row.state as ExcuseView['state'], // held by a CHECK of the database
    requestedBy: nameOf(row.requester),
    decidedBy: row.decidedBy === null ? null : nameOf(row.decider),
    decidedMs: row.decidedAt?.getTime() ?? null,
    decisionWords: row.decisionWords,
    withdrawnBy: row.withdrawnBy === null ? null : nameOf(row.withdrawer),
    withdrawalWords: row.withdrawalWords,
  }));
}
