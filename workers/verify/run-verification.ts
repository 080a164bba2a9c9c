/** One verification, by its purpose and level. What was read is recorded each second, so that an interrupted one goes on where it was. */
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { beginVerification, type VerificationWork } from '../../server/verification/begin-verification.ts';
import { finishVerification } from '../../server/verification/finish-verification.ts';
import type { Finding } from '../../server/verification/quarantine-points.ts';
import { pauseVerification } from '../../server/verification/record-progress.ts';
import type { JobContext, JobHandler } from '../job-context.ts';
import { checkRepair } from './check-repair.ts';
import { decryptPacks } from './decrypt-packs.ts';
import { listVault } from './list-vault.ts';
import { hashObjects } from './hash-objects.ts';
import { traceDamage } from './trace-damage.ts';
import { PausedError } from './verification-progress.ts';

export const runVerification: JobHandler<'verify'> = async (context, { verificationId }) => {
  const { services, claim } = context;
  const work = await beginVerification(services, claim, verificationId);
  if (work === undefined) return;
  try {
    await perform(context, work);
  } catch (error) {
    if (!(error instanceof PausedError)) throw error;
    await pauseVerification(services, claim, work);
  }
};

async function perform(context: JobContext, work: VerificationWork): Promise<void> {
  const { services, claim } = context;
  // Reading only, and of this vault alone.
  const store = prefixReadStore(services.store, work.vaultPrefix);
  if (work.purpose === 'trace') return await traceDamage(context, work, store);
  if (work.purpose === 'repair') return await checkRepair(context, work, store);
  if (work.level === 0) return await listVault(context, work, store);
  const found = work.level === 1 ? await hashObjects(context, work, store) : await decryptPacks(context, work, store);
  const unknown = work.unknownKeys.map((key): Finding => ({ key, problem: 'missing' }));
  const findings = [...unknown, ...found].sort((a, b) => (a.key < b.key ? -1 : 1));
  await finishVerification(services, claim, work, findings);
}
