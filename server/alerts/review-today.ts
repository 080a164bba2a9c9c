import { newId } from '../../core/base/ids.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { viewToday } from './queries.ts';

/** A person says that they have looked at everything that stands. Kept with what stood, so that a hand-over has something to show. */
export async function reviewToday(services: Services, scope: Scope): Promise<void> {
  requireStaff(scope);
  const { groups } = await viewToday(services, scope);
  const openAlerts = groups.reduce((sum, { alerts }) => sum + alerts.length, 0);
  await applyChange(services, scope, async (change) => {
    const id = newId(services.clock);
    await change.tx.alertReview.create({
      data: {
        tenantId: scope.tenantId,
        id,
        userId: scope.actor.id!,
        at: new Date(services.clock.nowMs()),
        openGroups: groups.length,
        openAlerts,
      },
    });
    await change.audit('alerts.reviewed', { kind: 'alert_review', id }, { groups: groups.length, alerts: openAlerts });
  });
}
