import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from './begin-verification.ts';
import { PROBLEM_TEXTS } from './quarantine-points.ts';

/** A list of parameters has an end. */
const KEYS_A_STATEMENT = 5000;
/** How long a check that made way for a backup waits before it looks again. */
const PAUSE_MS = 60_000;

/**
 * Adds what was read and found intact since the last call; what is recorded here is not read again after a crash.
 * @returns whether the check has to make way: the device backs up now, and nobody waits for this check.
 */
export async function recordVerified(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  intact: readonly string[],
  done: { readonly objects: number; readonly bytes: number; readonly readTwice: number },
): Promise<{ readonly mustPause: boolean }> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  return await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    for (let at = 0; at < intact.length; at += KEYS_A_STATEMENT) {
      const keys = intact.slice(at, at + KEYS_A_STATEMENT);
      const read = { tenantId, vaultId: work.vaultId, key: { in: keys }, state: { not: 'retired' } };
      await tx.storedObject.updateMany({
        where: read,
        data: { verifiedAt: now, ...(work.level === 2 ? { decryptedAt: now } : {}) },
      });
      // What was thought damaged and reads well again is healed. But a hash that is right says nothing of what is inside.
      await tx.storedObject.updateMany({
        where: { ...read, state: { in: ['damaged', 'missing'] }, problem: { not: PROBLEM_TEXTS.contents } },
        data: { state: 'sealed', problem: null },
      });
    }
    await tx.verification.updateMany({
      where: { tenantId, id: work.id, state: 'running' },
      data: { objectsDone: done.objects, bytesDone: BigInt(done.bytes), readTwice: done.readTwice },
    });
    if (!work.isPatient) return { mustPause: false };
    const run = await tx.backupRun.findFirst({
      where: { tenantId, deviceId: work.deviceId, state: 'running' },
      select: { id: true },
    });
    return { mustPause: run !== null };
  });
}

/** The check waits and is taken up again where it stopped; it looks every minute whether the backup has ended. */
export async function pauseVerification(services: Services, claim: Claim, work: VerificationWork): Promise<void> {
  const { tenantId } = claim.scope;
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.verification.updateMany({
      where: { tenantId, id: work.id, state: 'running' },
      data: { state: 'queued', pausedAt: new Date(services.clock.nowMs()) },
    });
    // Intents wait by the clock of the database.
    const options = { dedupeKey: work.id, customerId: work.customerId, runAfter: new Date(Date.now() + PAUSE_MS) };
    await enqueueIntent(tx, claim.scope, 'verify', { verificationId: work.id }, options);
  });
}
