import { type OccurrenceFacts, resolveOccurrence, type RunFacts } from '../../core/domain/schedule.ts';
import type { OccurrenceOutcome, RunOutcome, RunState } from '../../core/domain/outcome.ts';
import type { BackupRun, ExpectedOccurrence } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { excuseFor } from '../sla/excuse-for.ts';
import { markDirty } from '../sla/mark-dirty.ts';

/** Occurrences of one call; more than one is open only after a long stillness of the service. */
const OPEN_MAX = 1000;
const RUNS_MAX = 2000;

/**
 * Writes what became of a source's expected backups: of those that are open, and of the newest one that is due, which a late
 * backup may still turn from missed to late. Converges; called when a run ends and by the sweep.
 * @returns how many were written.
 */
export async function resolveOccurrences(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  source: { readonly tenantId: string; readonly sourceId: string },
): Promise<number> {
  const nowMs = services.clock.nowMs();
  const mine = { tenantId: source.tenantId, sourceId: source.sourceId };
  const due = { ...mine, dueAt: { lte: new Date(nowMs) } };
  const newest = await tx.expectedOccurrence.findFirst({ where: due, orderBy: { dueAt: 'desc' } });
  if (newest === null) return 0;
  const open = await tx.expectedOccurrence.findMany({
    where: { ...due, outcome: null, id: { not: newest.id } },
    orderBy: { dueAt: 'asc' },
    take: OPEN_MAX,
  });
  const occurrences = [...open, newest];
  const runs = await loadRuns(tx, mine, occurrences);
  let written = 0;
  let firstDue: Date | undefined;
  for (const occurrence of occurrences) {
    const next = await tx.expectedOccurrence.findFirst({
      where: { ...mine, dueAt: { gt: occurrence.dueAt } },
      orderBy: { dueAt: 'asc' },
      select: { dueAt: true },
    });
    const facts = toFacts(occurrence, next?.dueAt.getTime() ?? null);
    const resolution = resolveOccurrence(facts, runsOf(occurrence, facts.nextDueMs, runs), nowMs);
    if (resolution === undefined || resolution.outcome === occurrence.outcome) continue;
    const excuse = await excuseFor(tx, occurrence, resolution);
    const updated = await tx.expectedOccurrence.updateMany({
      where: { tenantId: mine.tenantId, id: occurrence.id, outcome: occurrence.outcome },
      data: { ...resolution, ...excuse, resolvedAt: new Date(nowMs) },
    });
    written += updated.count;
    if (updated.count > 0 && (firstDue === undefined || occurrence.dueAt < firstDue)) firstDue = occurrence.dueAt;
  }
  if (firstDue !== undefined) {
    const { customerId } = newest;
    const customer = await tx.customer.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: mine.tenantId, id: customerId } },
      select: { timezone: true },
    });
    const place = { ...mine, customerId, timeZone: customer.timezone };
    await markDirty(services, tx, place, { fromMs: firstDue.getTime(), untilMs: nowMs }, 'outcome_resolved');
  }
  return written;
}

async function loadRuns(
  tx: Tx,
  mine: { tenantId: string; sourceId: string },
  occurrences: readonly ExpectedOccurrence[],
): Promise<BackupRun[]> {
  return await tx.backupRun.findMany({
    where: {
      ...mine,
      OR: [
        { occurrenceId: { in: occurrences.map(({ id }) => id) } },
        { startedAt: { gte: occurrences[0]!.dueAt } },
        { state: { in: ['running', 'committed'] } },
      ],
    },
    orderBy: { startedAt: 'desc' },
    take: RUNS_MAX,
  });
}

/**
 * The runs that decide about an occurrence: those made for it, those made for none in its time (by hand, by command), and
 * whatever is under way, for a machine that is at work cannot begin another backup.
 */
function runsOf(occurrence: ExpectedOccurrence, nextDueMs: number | null, runs: readonly BackupRun[]): RunFacts[] {
  return runs
    .filter((run) => {
      if (run.occurrenceId === occurrence.id || run.state === 'running' || run.state === 'committed') return true;
      const startedMs = run.startedAt.getTime();
      return (
        run.occurrenceId === null &&
        startedMs >= occurrence.dueAt.getTime() &&
        (nextDueMs === null || startedMs < nextDueMs)
      );
    })
    .map((run) => ({
      id: run.id,
      // The words are held by CHECK constraints of the database.
      state: run.state as RunState,
      outcome: run.outcome as RunOutcome | null,
      startedMs: run.startedAt.getTime(),
      lastProgressMs: run.lastProgressAt.getTime(),
      committedMs: run.committedAt?.getTime() ?? null,
      errorMessage: run.errorMessage,
    }));
}

function toFacts(occurrence: ExpectedOccurrence, nextDueMs: number | null): OccurrenceFacts {
  return {
    dueMs: occurrence.dueAt.getTime(),
    windowEndMs: occurrence.windowEnd.getTime(),
    outcome: occurrence.outcome as OccurrenceOutcome | null,
    nextDueMs,
  };
}
