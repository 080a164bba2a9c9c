/**
 * Restores from the request to the end, for the figures of a month (docs/metrics.md, 21). The row is written with the request, so that
 * one of which nobody hears again is there to be counted; downloads and grants themselves are dropped when they have served.
 */
import type { RestoreAsker, RestoreState } from '../../core/domain/sla/restore-service.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { markDirty } from '../sla/mark-dirty.ts';

export interface AskedRestore {
  /** Of the download, or of the grant. */
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly restorePointId: string;
  readonly way: 'download' | 'machine';
  /** Nothing heard of it until then: it has failed. Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** False: an agent does it that is too old to tell how it ends. */
  readonly isEndTold: boolean;
}

type Ended = Exclude<RestoreState, 'open'>;

/** In the transaction of the request. Who asks is read from the scope. */
export async function openRestore(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  { deadlineMs, ...asked }: AskedRestore,
): Promise<void> {
  const asker = askerOf(scope);
  const now = new Date(services.clock.nowMs());
  await tx.restoreRequest.create({
    data: {
      ...asked,
      tenantId: scope.tenantId,
      asker,
      askedBy: asker === 'machine' ? null : scope.actor.id,
      state: 'open',
      requestedAt: now,
      // At the machine it begins as it is asked for.
      startedAt: asker === 'machine' ? now : null,
      deadlineAt: new Date(deadlineMs),
    },
  });
}

function askerOf({ role }: Scope): RestoreAsker {
  switch (role) {
    case 'customer_viewer':
      return 'customer';
    case 'device':
      return 'machine';
    default:
      return 'provider';
  }
}

/** A worker took it up, or the machine has its order. The first time counts; what an earlier attempt had handed over does not. */
export async function noteRestoreStarted(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  tenantId: string,
  ids: readonly string[],
): Promise<void> {
  const open = { tenantId, id: { in: [...ids] }, state: 'open' };
  await tx.restoreRequest.updateMany({ where: open, data: { firstByteAt: null } });
  await tx.restoreRequest.updateMany({
    where: { ...open, startedAt: null },
    data: { startedAt: new Date(services.clock.nowMs()) },
  });
}

/** The first of the restored bytes was handed over at `atMs`; told again, the first time stands. */
export async function noteFirstByte(tx: Tx, tenantId: string, id: string, atMs: number): Promise<void> {
  await tx.restoreRequest.updateMany({
    where: { tenantId, id, state: 'open', firstByteAt: null },
    data: { firstByteAt: new Date(atMs) },
  });
}

/**
 * Writes how it ended, and marks the figures of its month. Told again it changes nothing, but that a machine was given up too early:
 * one that is heard of after all ended as it says. Of an id without a row (a restore test, an older request) nothing is kept.
 * @param bytes that were restored, where they are known. @returns whether anything was written.
 */
export async function endRestore(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  id: string,
  end: { readonly state: Ended; readonly bytes?: number | undefined; readonly reason?: string | undefined },
): Promise<boolean> {
  const { tenantId } = scope;
  const row = await tx.restoreRequest.findFirst({
    where: { tenantId, id, OR: [{ state: 'open' }, { state: { in: ['abandoned', 'unknown'] }, way: 'machine' }] },
    select: {
      state: true,
      customerId: true,
      endedAt: true,
      firstByteAt: true,
      restorePoint: { select: { sourceId: true } },
      device: { select: { customer: { select: { timezone: true } } } },
    },
  });
  if (row === null) return false;
  const nowMs = services.clock.nowMs();
  // What had no byte, such as an empty file, was there with its end.
  const firstByteAt = row.firstByteAt ?? (end.state === 'delivered' ? new Date(nowMs) : null);
  const changed = await tx.restoreRequest.updateMany({
    // Of two that end it at once, the other one finds it changed.
    where: { tenantId, id, state: row.state },
    data: {
      state: end.state,
      endedAt: new Date(nowMs),
      firstByteAt,
      bytes: end.bytes === undefined ? null : BigInt(end.bytes),
      reason: end.reason ?? null,
    },
  });
  if (changed.count === 0) return false;
  const { customerId, restorePoint, device } = row;
  const place = { tenantId, customerId, sourceId: restorePoint.sourceId, timeZone: device.customer.timezone };
  const fromMs = Math.min(row.endedAt?.getTime() ?? nowMs, nowMs);
  await markDirty(services, tx, place, { fromMs, untilMs: nowMs }, 'restore_ended');
  return true;
}

const BATCH = 500;
const LOST_REASON = {
  download: 'The worker that prepared it did not finish in time. The backup is not affected; ask for it again.',
  machine:
    'Nothing more was heard of it. The backup is not affected; check that the machine runs and reaches the service, and ask again.',
} as const;

/** Ends what was not heard of until its deadline. It counts where it is given up, so that no month that is closed changes. */
export async function abandonRestores(services: Pick<Services, 'clock' | 'db'>, scope: Scope): Promise<void> {
  const { tenantId } = scope;
  await withScope(services, scope, async (tx) => {
    const lost = await tx.restoreRequest.findMany({
      where: { tenantId, state: 'open', deadlineAt: { lt: new Date(services.clock.nowMs()) } },
      select: { id: true, way: true, isEndTold: true },
      orderBy: { deadlineAt: 'asc' },
      take: BATCH,
    });
    for (const { id, way, isEndTold } of lost)
      await endRestore(
        services,
        tx,
        scope,
        id,
        isEndTold
          ? { state: 'abandoned', reason: LOST_REASON[way === 'download' ? 'download' : 'machine'] }
          : { state: 'unknown', reason: 'The agent of the machine is too old to tell how a restore ends. Update it.' },
      );
  });
}
