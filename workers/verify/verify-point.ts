/**
 * Level 1: every stored byte that a restore point needs is read and hashed against its name. No key is needed. What was read
 * is recorded each second, so that an interrupted verification goes on where it was.
 */
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { beginVerification } from '../../server/verification/begin-verification.ts';
import { finishVerification } from '../../server/verification/finish-verification.ts';
import type { Finding } from '../../server/verification/quarantine-points.ts';
import { recordVerified } from '../../server/verification/record-progress.ts';
import { inParallel } from '../in-parallel.ts';
import { type JobHandler, throwIfStopped } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';
import { checkObject } from './check-object.ts';

const READS_AT_ONCE = 3;

export const verifyPoint: JobHandler<'verify'> = async ({ services, claim, signal }, { verificationId }) => {
  const work = await beginVerification(services, claim, verificationId);
  if (work === undefined) return;
  // Reading only, and of this vault alone.
  const store = prefixReadStore(services.store, work.vaultPrefix);
  const findings: Finding[] = work.unknownKeys.map((key) => ({ key, problem: 'missing' }));
  let intact: string[] = [];
  const done = {
    objects: work.objectsTotal - work.objects.length,
    bytes: work.bytesTotal - work.objects.reduce((sum, { size }) => sum + size, 0),
  };
  const record = async (): Promise<void> => {
    const keys = intact;
    intact = [];
    await recordVerified(services, claim, work, keys, done);
  };
  const progress = new ProgressWriter(record);
  try {
    await inParallel(work.objects, READS_AT_ONCE, async (object) => {
      throwIfStopped(signal);
      const state = await checkObject(store, object, (bytes) => {
        throwIfStopped(signal);
        done.bytes += bytes;
        progress.touch();
      });
      done.objects++;
      if (state === 'intact') intact.push(object.key);
      else findings.push({ key: object.key, problem: state });
    });
  } catch (error) {
    // What was read is not read again by the next attempt. Where this fails too, the first error says more.
    await progress
      .settle()
      .then(record)
      .catch(() => undefined);
    throw error;
  }
  await progress.settle();
  await record();
  findings.sort((a, b) => (a.key < b.key ? -1 : 1));
  await finishVerification(services, claim, work, findings);
};
