import { parseArgs } from 'node:util';
import { HoldfastError } from '../../core/base/errors.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import type { RunProgress } from '../../core/protocol/messages.ts';
import { runBackup } from '../backup/run-backup.ts';
import { type CommandIo, EXIT } from '../command-io.ts';
import { loadState, saveState } from '../state/agent-state.ts';
import { formatBytes } from './figures.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const BACKUP_HELP = `holdfast backup [--state DIR] [--json]

Makes one backup now, by this machine's policy, and waits until the service has sealed it.
Exit code 0: sealed; 3: sealed, but some items could not be read; 1: failed.`;

const UNREAD_SHOWN = 20;

export async function backupCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(BACKUP_HELP);
    return EXIT.done;
  }
  const statePath = statePathOf(io, values.state);
  const log = terminalLog(io);
  const { identity, client } = await openClient(io, log, statePath, TERMINAL_RETRY_MS);
  try {
    const report = await runBackup({
      statePath,
      identity,
      policy: await knownPolicy(statePath),
      client,
      log,
      trigger: 'manual',
      occurrenceId: null,
      commandId: null,
      signal: io.signal,
      searchPath: io.env.searchPath,
      onProgress: (progress) => io.progress?.(progressLine(progress)),
    });
    io.progress?.('');
    const { runId, startedMs, finishedMs, result, snapshotId, message } = report;
    const unreadCount = report.unread.length;
    const lastRun = { runId, startedMs, finishedMs, result, snapshotId, message, unreadCount };
    await noteRun(statePath, lastRun).catch((error: unknown) =>
      log.warn({ err: error }, 'the result could not be noted'),
    );
    if (values.json) {
      const { error: _, unread, warnings, ...figures } = report;
      const counts = { unreadCount: unread.length, warningCount: warnings.length };
      const lists = { unread: unread.slice(0, 1000), warnings: warnings.slice(0, 1000) };
      io.out(JSON.stringify({ ...figures, ...counts, ...lists }));
    } else {
      for (const { path, message: why } of report.unread.slice(0, UNREAD_SHOWN)) io.err(`not read: ${path}: ${why}`);
      if (report.unread.length > UNREAD_SHOWN) io.err(`… and ${report.unread.length - UNREAD_SHOWN} more`);
      for (const { path, reason } of report.warnings.slice(0, UNREAD_SHOWN)) io.err(`not all kept: ${path}: ${reason}`);
      if (report.warnings.length > UNREAD_SHOWN) io.err(`… and ${report.warnings.length - UNREAD_SHOWN} more`);
      const isSound = result === 'ok' || result === 'partial' || result === 'waiting';
      (isSound ? io.out : io.err)(message);
      if (snapshotId !== null)
        io.out(
          `Snapshot ${snapshotId.slice(0, 8)}: ${report.selectedFiles} files, ${formatBytes(report.selectedBytes)}; ${formatBytes(report.storedBytes)} stored anew.`,
        );
    }
    if (result === 'ok' || result === 'waiting') return EXIT.done;
    return result === 'partial' ? EXIT.partial : EXIT.failed;
  } finally {
    client.close();
  }
}

async function knownPolicy(statePath: string): Promise<PolicyDocument> {
  const { policy } = await loadState(statePath);
  if (policy !== null) return policy;
  throw new HoldfastError(
    'conflict',
    'This machine does not know its policy yet. Start holdfast run for a minute: it fetches the policy and makes the backup that is due.',
  );
}

/** The daemon may run beside: it alone knows its commands, so that only the result of this run is changed. */
async function noteRun(
  statePath: string,
  lastRun: NonNullable<Awaited<ReturnType<typeof loadState>>['lastRun']>,
): Promise<void> {
  const state = await loadState(statePath);
  const isSealed = (lastRun.result === 'ok' || lastRun.result === 'partial') && lastRun.snapshotId !== null;
  const lastSealed =
    isSealed && lastRun.snapshotId !== null
      ? { snapshotId: lastRun.snapshotId, finishedMs: lastRun.finishedMs }
      : state.lastSealed;
  await saveState(statePath, { ...state, lastRun, lastSealed });
}

function progressLine({ phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesAdded }: RunProgress): string {
  if (phase === 'scan')
    return `${filesTotal} files found so far, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)} read`;
  if (phase === 'done') return 'stored; the service checks it';
  return `${filesDone} of ${filesTotal} files, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}, ${formatBytes(bytesAdded)} stored`;
}
