/** Why there is no restore point: the message of the alert says which of the causes applies. */
import type { DeviceFacts, SourceFacts } from './device-facts.ts';

export type NoPointCause = 'paused' | 'offline' | 'failed' | 'stuck' | 'never_ran' | 'not_started' | 'unproven';

/** The nearest cause: what a person should look at first. Silence before failures, for a dead machine repeats its last one. */
export function noPointCause(facts: DeviceFacts, source: SourceFacts, isOffline: boolean, nowMs: number): NoPointCause {
  if (facts.pausedUntilMs !== null && facts.pausedUntilMs > nowMs) return 'paused';
  if (isOffline) return 'offline';
  const { lastRun } = source;
  if (lastRun?.state === 'failed') return 'failed';
  if (lastRun?.state === 'aborted' && lastRun.outcome === 'failed') return 'stuck';
  if (lastRun === null && !source.hasPoint) return 'never_ran';
  if (lastRun?.state === 'sealed' && source.outcomes[0] !== 'missed') return 'unproven';
  return 'not_started';
}

const WHY: Readonly<Record<NoPointCause, (source: SourceFacts) => string>> = {
  paused: () => 'Its backups are paused by its policy. End the pause if it is no longer meant.',
  offline: () => 'It does not call the service: it is off, its agent does not run, or its line is down.',
  failed: ({ lastRun }) => `Its last backup failed: ${lastRun?.errorMessage ?? 'it ended with an error.'}`,
  stuck: () => 'Its last backup began and then fell silent.',
  never_ran: () =>
    'It calls the service, but never made a backup. Look at the agent’s log on the machine for what keeps it from beginning.',
  not_started: () =>
    'It calls the service, but no backup began when it was due. Look at its schedule, and at the agent’s log on the machine.',
  unproven: () =>
    'Backups arrived, but none that counts: they were locked away, or left more unread than the policy accepts. Look at its newest restore points.',
};

/** Ages are left out: they stand beside the message on every screen, and would be wrong a minute later. */
export function noPointMessage(
  { deviceName }: DeviceFacts,
  source: SourceFacts,
  why: NoPointCause,
  limitMs: number,
): string {
  const hours = Math.round(limitMs / 3_600_000);
  const lack =
    source.usableMs === null
      ? `${deviceName} has no usable restore point, ${hours} hours after it was added.`
      : `The newest usable restore point of ${deviceName} is more than ${hours} hours old.`;
  return `${lack} ${WHY[why](source)}`;
}
