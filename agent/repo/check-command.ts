import { systemClock } from '../../core/base/clock.ts';
import { check } from '../../core/repository/check/check.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, printable, progressTeller, secondsText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function checkCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const repo = await openStandalone(args);
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const result = await check(repo, {
    readData: args.readData,
    signal: io.signal,
    onProgress: (progress) =>
      tell(
        () => ({ command: 'check', ...progress }),
        () =>
          `${progress.phase}: ${progress.done.toLocaleString('en')}${progress.total > 0 ? ` of ${progress.total.toLocaleString('en')}` : ''}`,
      ),
  });
  const { isIntact, findings, snapshots, packs, blobs, bytesRead } = result;
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  for (const finding of findings) {
    if (args.isJson) io.out(JSON.stringify({ type: 'finding', ...finding }));
    else (finding.severity === 'error' ? io.err : io.out)(`${finding.severity}: ${printable(finding.message)}`);
  }
  if (args.isJson) {
    const counts = { snapshots, packs, blobs, bytesRead, findings: findings.length, seconds };
    io.out(JSON.stringify({ type: 'summary', command: 'check', isIntact, ...counts }));
  } else {
    const read = args.readData ? `, ${bytesText(bytesRead)} read` : '';
    io.out(
      `${countText(snapshots, 'snapshot')}, ${countText(packs, 'pack')}, ${countText(blobs, 'blob')}${read} in ${secondsText(seconds)}.`,
    );
    io.out(
      isIntact ? 'No errors were found.' : 'Errors were found: see above. Snapshots that they do not name are intact.',
    );
  }
  return isIntact ? EXIT.done : EXIT.failed;
}
