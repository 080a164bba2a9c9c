import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { DrillStep } from './drill-steps.ts';

/** What the drill's page shows while it runs. */
export async function recordDrillProgress(
  services: Services,
  claim: Claim,
  drillId: string,
  now: { readonly steps: readonly DrillStep[]; readonly filesDone: number; readonly bytesDone: number },
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.drill.updateMany({
      where: { tenantId: claim.scope.tenantId, id: drillId, state: 'running' },
      data: {
        steps: now.steps.map((step) => ({ ...step })),
        filesDone: now.filesDone,
        bytesDone: BigInt(now.bytesDone),
      },
    });
  });
}
