import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { recordDrillEvidence } from '../evidence/drill-body.ts';
import type { Services } from '../services.ts';

/** The drill could not be carried out; it proves nothing and accuses nothing, and another is made later. Repeatable. */
export async function voidDrill(services: Services, scope: Scope, drillId: string, message: string): Promise<void> {
  const { tenantId } = scope;
  await applyChange(services, scope, async (change) => {
    await change.audit('drill.finished', { kind: 'drill', id: drillId }, { state: 'void' });
    const [voided] = await change.tx.drill.updateManyAndReturn({
      where: { tenantId, id: drillId, state: { in: ['queued', 'running'] } },
      data: { state: 'void', finishedAt: new Date(services.clock.nowMs()), errorMessage: message },
      select: { customerId: true },
    });
    if (voided === undefined) return;
    recordDrillEvidence(services, change, { tenantId, customerId: voided.customerId, id: drillId });
  });
}
