/** Level 1: every stored byte is read and hashed against its name. No key is needed. */
import type { ReadStore } from '../../core/storage/port.ts';
import type { ObjectToVerify, VerificationWork } from '../../server/verification/begin-verification.ts';
import type { Finding } from '../../server/verification/quarantine-points.ts';
import type { JobContext } from '../job-context.ts';
import { type ObjectState, readObjects } from './read-objects.ts';
import { VerificationProgress } from './verification-progress.ts';

export async function hashObjects(
  context: JobContext,
  work: VerificationWork,
  store: ReadStore,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const progress = new VerificationProgress(context, work);
  const onDone = ({ key }: ObjectToVerify, state: ObjectState): void => {
    progress.done(state === 'intact' ? key : undefined);
    if (state !== 'intact') findings.push({ key, problem: state });
  };
  const onBytes = (bytes: number): void => progress.read(bytes);
  const onReadTwice = (): void => progress.readTwice();
  await progress.recorded(() => readObjects(store, work.objects, { onBytes, onDone, onReadTwice }));
  return findings;
}
