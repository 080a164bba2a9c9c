/**
 * One pass over a tenant's schedule: write what is expected, end what fell silent, resolve what is over, open and close
 * alerts, order the checks that are owed. It takes no input and converges on the present state: any pass may be repeated.
 */
import { sweepAlerts } from '../alerts/sweep-alerts.ts';
import { withScope } from '../db/with-scope.ts';
import { refreshAllSummaries } from '../fleet/refresh-summaries.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { sweepRollups } from '../sla/sweep-rollups.ts';
import { sweepChecks } from '../verification/sweep-checks.ts';
import { planAllOccurrences } from './plan-occurrences.ts';
import { resolveOccurrences } from './resolve-occurrences.ts';
import { stopSilentRuns } from './stop-silent-runs.ts';
import { loadSweptSources } from './swept-sources.ts';

export async function sweepSchedule(services: Services, claim: Claim): Promise<void> {
  const sources = await loadSweptSources(services, claim.scope);
  await planAllOccurrences(services, claim, sources);
  await stopSilentRuns(services, claim);
  await resolveOpen(services, claim);
  await sweepAlerts(services, claim);
  await sweepChecks(services, claim, sources);
  await sweepRollups(services, claim, sources);
  await refreshAllSummaries(services, claim.scope);
}

/** Sources with an open occurrence whose window is over; within the window nothing is decided here. */
async function resolveOpen(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const open = await withScope(services, claim.scope, (tx) =>
    tx.expectedOccurrence.findMany({
      where: { tenantId, outcome: null, windowEnd: { lt: now } },
      distinct: ['sourceId'],
      select: { sourceId: true },
    }),
  );
  for (const { sourceId } of open)
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      await resolveOccurrences(services, tx, { tenantId, sourceId });
    });
}
