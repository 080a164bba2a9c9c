import type { RunLine } from '../../../../server/runs/queries.ts';
import { formatBytes, formatCountOf } from '../../../../core/domain/format.ts';

/** The sentence that opens a run's page. */
export function runSentence(run: RunLine): string {
  const amount = `${formatCountOf(run.selectedFiles, 'file')}, ${formatBytes(run.selectedBytes)}`;
  switch (run.state) {
    case 'running':
      return 'This backup is running. It counts only once everything has arrived and was checked.';
    case 'committed':
      return 'Everything has arrived; the server checks each object before the backup counts.';
    case 'sealed':
      return run.unreadCount === 0
        ? `This backup is complete: ${amount}, every object checked.`
        : `This backup is sealed without ${formatCountOf(run.unreadCount, 'file')} that could not be read; ${amount} were selected.`;
    case 'aborted':
      return 'This backup ended before it was complete and made no restore point.';
    default:
      return 'This backup failed and made no restore point.';
  }
}
