import { type FirstProof, firstProof } from '../../server/devices/first-proof.ts';
import type { Services } from '../../server/services.ts';
import type { ProgressLine } from './progress-line.ts';

const POLL_MS = 500;
/** After a failed attempt the agent tries again on its own schedule. */
const POLL_AFTER_FAILURE_MS = 5000;
/** A database that restarts is away for seconds. */
const FAILED_READS_MAX = 60;

/**
 * Shows how the first backup of this machine goes until it is proven, and says so: `Proven <device> <snapshot>`. A failure is
 * said once and plainly; later attempts are followed all the same. Resolves when it is proven or on the signal.
 */
export async function followFirstProof(
  services: Services,
  tenantId: string,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  let saidFailure = '';
  let failedReads = 0;
  while (!signal.aborted) {
    let proof: FirstProof | undefined;
    try {
      proof = await firstProof(services, tenantId);
      failedReads = 0;
    } catch (error) {
      failedReads += 1;
      if (signal.aborted) return;
      if (failedReads > FAILED_READS_MAX) throw error;
    }
    if (proof?.stage === 'proven') {
      progress.say(`Proven ${proof.deviceName} ${proof.snapshotId}`);
      return;
    }
    if (proof?.stage === 'failed') {
      const reason = proof.message ?? 'The logs have the cause.';
      if (reason !== saidFailure) {
        progress.say(
          `The first backup is not proven: ${reason} The service keeps running, and so does the agent, which tries again.`,
        );
      }
      saidFailure = reason;
    } else if (proof !== undefined) progress.update(proof.stage, stageText(proof));
    await wait(proof?.stage === 'failed' ? POLL_AFTER_FAILURE_MS : POLL_MS, signal);
  }
}

const STAGE_WORDS = {
  waiting: 'Waiting for the agent to begin its first backup',
  backing_up: 'Backing up',
  sealing: 'Sealing: every object of the backup is checked',
  verifying: 'Verifying: every stored byte is read again',
  drilling: 'Drilling: files are restored and compared with what was read',
  proven: 'Proven',
  failed: 'Failed',
} as const;

export function stageText(proof: FirstProof): string {
  const words = STAGE_WORDS[proof.stage];
  const { progress } = proof;
  if (progress === null || progress.total <= 0) return words;
  const show = progress.unit === 'bytes' ? megabytes : (count: number) => count.toLocaleString('en');
  const unit = progress.unit === 'bytes' ? 'MB' : progress.unit;
  // Totals of a scan that still runs grow, and retries may count twice: never more than all of it.
  const share = Math.min(100, Math.floor((progress.done / progress.total) * 100));
  return `${words}: ${share} % (${show(progress.done)} of ${show(progress.total)} ${unit})`;
}

const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en');

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
