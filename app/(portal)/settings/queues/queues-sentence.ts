import type { QueuesView } from '../../../../server/queues/view.ts';
import { formatCountOf, formatDuration } from '../../../../core/domain/format.ts';

/** A wait that nobody would notice is not worth a word. */
const LONG_WAIT_MS = 5 * 60_000;

/** The answer to "does the work get done?". The worst comes first. */
export function queuesSentence({ queues, alerts, deadTotal, nowMs }: QueuesView): string {
  const [first] = alerts;
  if (first !== undefined && alerts.length === 1) return `${first.title}; the other queues run.`;
  if (alerts.length === queues.length) return 'No queue runs: nothing is sealed, checked or tested.';
  if (alerts.length > 1) return `${alerts.length} of ${queues.length} queues stand still.`;
  if (deadTotal > 0)
    return `${formatCountOf(deadTotal, 'job was', 'jobs were')} given up; everything else is being worked off.`;
  const unknown = queues.filter(({ state }) => state === 'unknown').length;
  if (unknown === queues.length) return 'Nothing is known of the queues yet; their first canaries are on the way.';
  if (unknown > 0) return `Nothing is known of ${formatCountOf(unknown, 'queue')} just now; the others run.`;
  const longest = Math.max(0, ...queues.map(({ oldestMs }) => (oldestMs === null ? 0 : nowMs - oldestMs)));
  if (longest > LONG_WAIT_MS) return `Every queue runs; the longest wait is ${formatDuration(longest)}.`;
  return 'Every queue runs, and nothing waits long.';
}
