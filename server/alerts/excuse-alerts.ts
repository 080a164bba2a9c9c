import { HoldfastError } from '../../core/base/errors.ts';
import { type AlertKind, EXCUSABLE } from '../../core/domain/alerts/kinds.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Alert } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { requestExcuse } from '../sla/excuses.ts';
import { act, requireWords, tell } from './act-on-alerts.ts';
import { resolveAlerts } from './open-alert.ts';

/**
 * The backups that did not come are excused: they are listed as such, with who approved it and why, and count neither for nor
 * against (server/sla/excuses.ts). Where it takes two people the alert stands until the other one has approved. What an excuse
 * cannot end (a machine that is silent now) is snoozed instead.
 */
export async function excuseAlerts(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  reason: string,
): Promise<{ readonly isApproved: boolean }> {
  requireStaff(scope);
  const said = requireWords(reason);
  let excused: readonly ExcusedTime[] = [];
  let found: readonly Alert[] = [];
  // Everything is looked at before anything is excused: a group is excused as a whole, or not at all.
  await look(services, scope, ids, (alerts, times) => {
    found = alerts;
    excused = times;
  });
  let isApproved = true;
  for (const { customerId, ...time } of excused) {
    const answer = await requestExcuse(services, scope, customerId, { ...time, reason: said });
    isApproved &&= answer.isApproved;
  }
  if (!isApproved) return { isApproved };
  await act(
    services,
    scope,
    found.map(({ id }) => id),
    async (change, alerts) => {
      await tell(services, change, scope, alerts, 'excused', 'alert.excused', { reason: said });
      const by = { actorId: scope.actor.id!, note: said };
      const all = alerts.map(({ id }) => id);
      await resolveAlerts(services, change, scope.tenantId, all, 'excused', by);
    },
  );
  return { isApproved };
}

interface ExcusedTime {
  readonly customerId: string;
  readonly deviceId: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** From the first expected backup that did not come since the last one that did, to the newest. */
async function look(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  use: (alerts: readonly Alert[], times: readonly ExcusedTime[]) => void,
): Promise<void> {
  const { tenantId } = scope;
  await withScope(services, scope, async (tx) => {
    const alerts = await tx.alert.findMany({ where: { tenantId, id: { in: [...ids] }, resolvedAt: null } });
    if (alerts.length === 0) throw new HoldfastError('not_found', 'There is no such alert that stands.');
    if (alerts.some(({ kind, deviceId }) => deviceId === null || !EXCUSABLE.includes(kind as AlertKind)))
      throw new HoldfastError(
        'conflict',
        'Only backups that were expected can be excused. Snooze the others, or withdraw the drill on its own page.',
      );
    const devices = [...new Set(alerts.map(({ deviceId }) => deviceId!))];
    const times = await tx.$queryRaw<{ customerId: string; deviceId: string; first: Date; last: Date }[]>`
      SELECT o.customer_id AS "customerId", o.device_id AS "deviceId", min(o.due_at) AS first, max(o.due_at) AS last
      FROM expected_occurrence o
      WHERE o.tenant_id = ${tenantId}::uuid AND o.device_id = ANY (${devices}::uuid[])
        AND o.outcome IN ('missed', 'failed', 'stuck') AND o.due_at <= ${new Date(services.clock.nowMs())}
        AND NOT EXISTS (SELECT FROM expected_occurrence g WHERE g.tenant_id = o.tenant_id AND g.source_id = o.source_id
          AND g.due_at > o.due_at AND g.outcome IN ('ok', 'late', 'partial'))
      GROUP BY 1, 2`;
    if (times.length < devices.length)
      throw new HoldfastError(
        'conflict',
        'No expected backup is behind this: it was started by hand, or its time is not over yet. Snooze it instead.',
      );
    use(
      alerts,
      times.map(({ first, last, ...place }) => ({ ...place, startMs: first.getTime(), endMs: last.getTime() + 1 })),
    );
  });
}
