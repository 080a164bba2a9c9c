/** The restores of a customer's month: what metric 21 is computed from, and its rows. */
import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { RestoreAsker, RestoreState, RestoreTimes } from '../../core/domain/sla/restore-service.ts';
import type { Tx } from '../db/client.ts';

interface CustomerPlace {
  readonly tenantId: string;
  readonly customerId: string;
}

const TIMES = { state: true, asker: true, requestedAt: true, firstByteAt: true, endedAt: true } as const;

const endedIn = ({ startMs, endMs }: Interval) => ({ endedAt: { gte: new Date(startMs), lt: new Date(endMs) } });

interface TimesRow {
  readonly state: string;
  readonly asker: string;
  readonly requestedAt: Date;
  readonly firstByteAt: Date | null;
  readonly endedAt: Date | null;
}

const timesOf = ({ state, asker, requestedAt, firstByteAt, endedAt }: TimesRow): RestoreTimes => ({
  // The words are held by CHECK constraints of the database.
  state: state as RestoreState,
  asker: asker as RestoreAsker,
  requestedMs: requestedAt.getTime(),
  firstByteMs: firstByteAt?.getTime() ?? null,
  endedMs: endedAt?.getTime() ?? null,
});

/** Those that ended in `span`. Times in milliseconds since the epoch. */
export async function loadRestores(tx: Tx, where: CustomerPlace, span: Interval): Promise<RestoreTimes[]> {
  const rows = await tx.restoreRequest.findMany({ where: { ...where, ...endedIn(span) }, select: TIMES });
  return rows.map(timesOf);
}

export interface RestoreLine extends RestoreTimes {
  readonly id: string;
  readonly deviceName: string;
  readonly restorePointId: string;
  readonly captureMs: number;
  readonly way: 'download' | 'machine';
  /** Null: at the machine. */
  readonly askedBy: string | null;
  readonly startedMs: number | null;
  /** Null: not known. */
  readonly bytes: number | null;
  readonly reason: string | null;
}

/** The same with what they were of, the newest end first; those that are still open and were asked for in `span` before them. */
export async function loadRestoreLines(
  tx: Tx,
  where: CustomerPlace,
  span: Interval,
  page: { readonly skip: number; readonly take: number },
): Promise<RestoreLine[]> {
  const rows = await tx.restoreRequest.findMany({
    where: { ...where, ...linesIn(span) },
    select: {
      ...TIMES,
      id: true,
      way: true,
      restorePointId: true,
      startedAt: true,
      bytes: true,
      reason: true,
      device: { select: { name: true } },
      asking: { select: { name: true } },
      restorePoint: { select: { captureAt: true } },
    },
    orderBy: [{ endedAt: { sort: 'desc', nulls: 'first' } }, { requestedAt: 'desc' }, { id: 'asc' }],
    ...page,
  });
  return rows.map((row) => ({
    ...timesOf(row),
    id: row.id,
    deviceName: row.device.name,
    restorePointId: row.restorePointId,
    captureMs: row.restorePoint.captureAt.getTime(),
    way: row.way === 'download' ? 'download' : 'machine',
    askedBy: row.asker === 'machine' ? null : nameOf(row.asking),
    startedMs: row.startedAt?.getTime() ?? null,
    bytes: row.bytes === null ? null : Number(row.bytes),
    reason: row.reason,
  }));
}

export async function countRestoreLines(tx: Tx, where: CustomerPlace, span: Interval): Promise<number> {
  return await tx.restoreRequest.count({ where: { ...where, ...linesIn(span) } });
}

const linesIn = (span: Interval) => ({
  OR: [endedIn(span), { endedAt: null, requestedAt: { gte: new Date(span.startMs), lt: new Date(span.endMs) } }],
});

/** The provider's people are behind the wall of a customer's own: the row is not given, whatever its type says. */
const nameOf = (person: { readonly name: string } | null): string => person?.name ?? 'your provider';
