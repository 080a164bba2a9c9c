import { isSilent, longestPauseMinutes } from '../../core/domain/schedule.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { SweptSource } from '../schedule/swept-sources.ts';
import type { Services } from '../services.ts';
import { type AlertKind, openAlert, resolveAlert } from './open-alert.ts';

interface Wish {
  readonly isWanted: boolean;
  readonly title: string;
  readonly message: string;
}

/**
 * Opens and closes the alerts that follow from the present state alone: a backup that was missed, a run that failed, a
 * device that is silent. Those of a finding (damage, a failed drill) are opened and closed where it is made.
 */
export async function sweepAlerts(services: Services, claim: Claim, sources: readonly SweptSource[]): Promise<void> {
  const facts = await loadFacts(services, claim);
  for (const source of sources) {
    const wishes = wishesFor(source, facts, services.clock.nowMs());
    const changes = (Object.entries(wishes) as [AlertKind, Wish][]).filter(
      ([kind, { isWanted }]) => isWanted !== facts.open.has(`${source.deviceId}/${kind}`),
    );
    if (changes.length === 0) continue;
    await applyAlerts(services, claim, source, changes);
  }
}

async function applyAlerts(
  services: Services,
  claim: Claim,
  source: SweptSource,
  changes: readonly (readonly [AlertKind, Wish])[],
): Promise<void> {
  class NothingChanged extends Error {}
  try {
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      let isChanged = false;
      for (const [kind, { isWanted, title, message }] of changes) {
        const didChange = isWanted
          ? await openAlert(services, change, { ...source, kind, title, message })
          : await resolveAlert(services, change, source, kind);
        isChanged ||= didChange;
      }
      // Another worker was first: there is nothing to audit, and a change without an entry is refused.
      if (!isChanged) throw new NothingChanged();
    });
  } catch (error) {
    if (!(error instanceof NothingChanged)) throw error;
  }
}

interface Facts {
  /** device id / kind */
  readonly open: ReadonlySet<string>;
  /** The newest outcome, by source; a window that is still open has none and changes nothing. */
  readonly lastOutcome: ReadonlyMap<string, string>;
  /** The newest run that ended, by source. */
  readonly lastRun: ReadonlyMap<string, { readonly state: string; readonly errorMessage: string | null }>;
}

async function loadFacts(services: Services, claim: Claim): Promise<Facts> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  return await withScope(services, claim.scope, async (tx) => {
    const open = await tx.alert.findMany({
      where: { tenantId, resolvedAt: null, deviceId: { not: null } },
      select: { deviceId: true, kind: true },
    });
    const due = await tx.$queryRaw<{ sourceId: string; outcome: string }[]>`
      SELECT DISTINCT ON (source_id) source_id AS "sourceId", outcome FROM expected_occurrence
      WHERE tenant_id = ${tenantId}::uuid AND due_at <= ${now} AND outcome IS NOT NULL
      ORDER BY source_id, due_at DESC`;
    const runs = await tx.$queryRaw<{ sourceId: string; state: string; errorMessage: string | null }[]>`
      SELECT s.id AS "sourceId", r.state, r.error_message AS "errorMessage" FROM source s
      JOIN LATERAL (SELECT x.state, x.error_message FROM backup_run x
        WHERE x.tenant_id = s.tenant_id AND x.device_id = s.device_id AND x.source_id = s.id
          AND x.state IN ('sealed', 'failed', 'aborted') ORDER BY x.started_at DESC LIMIT 1) r ON true
      WHERE s.tenant_id = ${tenantId}::uuid`;
    return {
      open: new Set(open.map(({ deviceId, kind }) => `${deviceId}/${kind}`)),
      lastOutcome: new Map(due.map(({ sourceId, outcome }) => [sourceId, outcome])),
      lastRun: new Map(runs.map(({ sourceId, ...run }) => [sourceId, run])),
    };
  });
}

function wishesFor(source: SweptSource, facts: Facts, nowMs: number): Partial<Record<AlertKind, Wish>> {
  const run = facts.lastRun.get(source.sourceId);
  const isOpen = (kind: AlertKind): boolean => facts.open.has(`${source.deviceId}/${kind}`);
  return {
    missed: {
      isWanted: facts.lastOutcome.get(source.sourceId) === 'missed',
      title: 'An expected backup did not happen',
      message: `${source.deviceName} did not begin its backup before the window closed. Its data is as old as the last restore point. Check that the machine is on and its agent runs.`,
    },
    run_failed: {
      // An aborted run opens it where it fell silent (stop-silent-runs); being stopped on purpose is no failure.
      isWanted: run?.state === 'failed' || (run?.state === 'aborted' && isOpen('run_failed')),
      title: 'The last backup failed',
      message: `${run?.errorMessage ?? 'The backup ended with an error.'} Earlier backups are not affected.`,
    },
    silent: {
      isWanted: isSilent(
        source.lastSeenMs,
        source.enrolledMs,
        longestPauseMinutes(source.policy.schedule, nowMs),
        nowMs,
      ),
      title: 'The machine is silent',
      message: `${source.deviceName} has not called for a long time, so it backs up nothing. Check that it is on, that its agent runs, and that it reaches the service.`,
    },
  };
}
