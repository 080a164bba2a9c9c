import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** The drill could not be carried out; it proves nothing and accuses nothing, and another is made later. Repeatable. */
export async function voidDrill(services: Services, scope: Scope, drillId: string, message: string): Promise<void> {
  await applyChange(services, scope, async ({ tx, audit }) => {
    await tx.drill.updateMany({
      where: { tenantId: scope.tenantId, id: drillId, state: { in: ['queued', 'running'] } },
      data: { state: 'void', finishedAt: new Date(services.clock.nowMs()), errorMessage: message },
    });
    await audit('drill.finished', { kind: 'drill', id: drillId }, { state: 'void' });
  });
}
