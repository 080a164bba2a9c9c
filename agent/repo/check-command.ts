import { randomBytes } from 'node:crypto';
import { systemClock } from '../../core/base/clock.ts';
import { check } from '../../core/repository/check/check.ts';
import type { CheckFinding } from '../../core/repository/check/finding.ts';
import { choosePacks } from '../../core/repository/check/data-subset.ts';
import { openRepository } from '../../core/repository/repository.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, numberText, printable, progressTeller, secondsText } from './say.ts';
import { readPassword, storeOf } from './standalone-repository.ts';

export async function checkCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const store = storeOf(args);
  const opened = readPassword(args).then((password) => openRepository(store, password));
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const subset = args.readDataSubset;
  // Which packs are drawn follows from the seed: whoever wants the same ones again gives it.
  const seed = args.seed ?? randomBytes(8).toString('hex');
  const result = await check(
    { store, opened },
    {
      readData: args.readData || subset !== undefined,
      ...(subset === undefined ? {} : { choosePacks: (packs) => choosePacks(packs, subset, seed) }),
      signal: io.signal,
      onProgress: (progress) =>
        tell(
          () => ({ command: 'check', ...progress }),
          () =>
            `${progress.phase}: ${numberText(progress.done)}${progress.total > 0 ? ` of ${numberText(progress.total)}` : ''}`,
        ),
    },
  );
  const { isIntact, findings, snapshots, packs, blobs, packsRead, bytesRead } = result;
  const drawnBy = subset === undefined || subset.kind === 'part' ? undefined : seed;
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  for (const finding of findings) {
    if (args.isJson) io.out(JSON.stringify({ type: 'finding', ...finding }));
    else (finding.severity === 'error' ? io.err : io.out)(textOf(finding));
  }
  if (args.isJson) {
    const draw = drawnBy === undefined ? {} : { seed: drawnBy };
    const counts = { snapshots, packs, blobs, packsRead, bytesRead, findings: findings.length, ...draw, seconds };
    io.out(JSON.stringify({ type: 'summary', command: 'check', isIntact, ...counts }));
  } else {
    const part = subset === undefined ? '' : ` of ${countText(packsRead, 'pack')}`;
    const read = args.readData || subset !== undefined ? `, ${bytesText(bytesRead)}${part} read` : '';
    io.out(
      `${countText(snapshots, 'snapshot')}, ${countText(packs, 'pack')}, ${countText(blobs, 'blob')}${read} in ${secondsText(seconds)}.`,
    );
    if (drawnBy !== undefined) io.out(`The packs were drawn at random; --seed ${drawnBy} draws the same ones again.`);
    io.out(
      isIntact ? 'No errors were found.' : 'Errors were found: see above. Snapshots that they do not name are intact.',
    );
  }
  return isIntact ? EXIT.done : EXIT.failed;
}

const SNAPSHOTS_TOLD = 5;

/** What was found, and below it what of its whereabouts it does not say itself: the pack is what a repair asks for. */
function textOf({ severity, message, packId, objectKey, path, affectedSnapshots = [] }: CheckFinding): string {
  const named = affectedSnapshots.slice(0, SNAPSHOTS_TOLD).map((id) => id.slice(0, 8));
  const others = affectedSnapshots.length - named.length;
  const about = [
    [packId, 'pack'],
    [objectKey, 'object'],
    [path, 'path'],
  ].flatMap(([value, word]) => (value === undefined || message.includes(value) ? [] : [`  ${word} ${value}`]));
  if (named.length > 0) about.push(`  snapshots ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`);
  return [`${severity}: ${message}`, ...about].map(printable).join('\n');
}
