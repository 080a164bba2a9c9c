import { applyChange } from '../changes/apply-change.ts';
import type { Scope } from '../access/scope.ts';
import type { Services } from '../services.ts';

/** The verification could not be carried out. That says nothing about the data; the sweep has it tried again. Repeatable. */
export async function voidVerification(
  services: Services,
  scope: Scope,
  verificationId: string,
  message: string,
): Promise<void> {
  await applyChange(services, scope, async ({ tx, audit }) => {
    await tx.verification.updateMany({
      where: { tenantId: scope.tenantId, id: verificationId, state: { in: ['queued', 'running'] } },
      data: { state: 'void', finishedAt: new Date(services.clock.nowMs()), errorMessage: message },
    });
    // A rolling check that came to nothing is ordered again when the next one is due: what it owed is due then as well.
    await audit('verification.finished', { kind: 'verification', id: verificationId }, { state: 'void' });
  });
}
