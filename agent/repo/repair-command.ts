import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { repairIndex } from '../../core/repository/repair/repair-index.ts';
import { repairPacks } from '../../core/repository/repair/repair-packs.ts';
import { repairSnapshots } from '../../core/repository/repair/repair-snapshots.ts';
import { EXIT, UsageError } from '../command-io.ts';
import { chooseSnapshots } from './choose-snapshots.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { countText, printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';
import { snapshotFilter } from './write-arguments.ts';

export async function repairCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const [what, ...references] = args.positionals;
  if (what === 'index' && references.length === 0) return await repairIndexCommand(args, io);
  if (what === 'packs' && references.length > 0 && references.every((id) => /^[0-9a-f]{64}$/.test(id)))
    return await repairPacksCommand(args, references, io);
  if (what === 'snapshots') return await repairSnapshotsCommand(args, references, io);
  throw new UsageError('repair needs one of index, snapshots [SNAPSHOT...], packs PACK... (whole ids).');
}

async function repairIndexCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const isDryRun = args.values['dry-run'] === true;
  const repo = await openStandalone(args);
  const result = await whileLocked(repo, io, isDryRun ? 'shared' : 'exclusive', (signal) =>
    repairIndex(repo, { isDryRun, readsAllPacks: args.values['read-all-packs'] === true, signal }),
  );
  const { isChanged, packs, blobs, packsRead, missingPacks, damagedPacks, damagedIndexes, foreignFiles } = result;
  const findings = [
    ...damagedIndexes.map((objectKey) => ({
      kind: 'index_unreadable',
      objectKey,
      message: `${objectKey} cannot be read.`,
    })),
    ...missingPacks.map((packId) => ({
      kind: 'pack_missing',
      packId,
      message: `Pack ${packId.slice(0, 8)} is missing; what it held is lost.`,
    })),
    ...damagedPacks.map(({ packId, message }) => ({
      kind: 'pack_damaged',
      packId,
      message: `Pack ${packId.slice(0, 8)} stays out of the index: ${message}`,
    })),
    ...foreignFiles.map((objectKey) => ({
      kind: 'foreign_file',
      objectKey,
      message: `${objectKey} is no pack; it was left alone.`,
    })),
  ];
  for (const finding of findings) {
    const severity = finding.kind === 'foreign_file' ? 'notice' : 'error';
    if (args.isJson) io.out(JSON.stringify({ type: 'finding', severity, ...finding }));
    else io.err(printable(finding.message));
  }
  if (args.isJson)
    io.out(
      JSON.stringify({
        type: 'summary',
        command: 'repair index',
        isDryRun,
        isChanged,
        packs,
        blobs,
        packsRead,
        findings: findings.length,
      }),
    );
  else if (!isChanged)
    io.out(`The index is right: ${countText(packs, 'pack')}, ${countText(blobs, 'blob')}. Nothing was changed.`);
  else
    io.out(
      `${isDryRun ? 'A new index would list' : 'The new index lists'} ${countText(packs, 'pack')} with ${countText(blobs, 'blob')}; ${countText(packsRead, 'pack')} had to be asked.`,
    );
  return missingPacks.length + damagedPacks.length === 0 ? EXIT.done : EXIT.partial;
}

async function repairPacksCommand(args: RepoArguments, packIds: readonly string[], io: RepoIo): Promise<number> {
  const repo = await openStandalone(args);
  const { packsRemoved, blobsSaved, blobsLost } = await whileLocked(repo, io, 'exclusive', (signal) =>
    repairPacks(repo, { packIds, signal, onDamagedPack: keepCopy }),
  );
  if (args.isJson) {
    for (const blobId of blobsLost) io.out(JSON.stringify({ type: 'lost', kind: 'blob', blobId }));
    const counts = { packsRemoved, blobsSaved, blobsLost: blobsLost.length };
    io.out(JSON.stringify({ type: 'summary', command: 'repair packs', ...counts }));
  } else {
    io.out(
      `${countText(packsRemoved, 'pack')} removed; copies are in this folder. ${countText(blobsSaved, 'blob')} saved.`,
    );
    if (blobsLost.length > 0)
      io.err(`${countText(blobsLost.length, 'blob')} lost. "repair snapshots" makes snapshots without them.`);
  }
  return blobsLost.length === 0 ? EXIT.done : EXIT.partial;
}

/** As restic does: somebody may know more of a damaged pack one day. Nothing that is there is replaced. */
async function keepCopy(packId: string, bytes: Uint8Array): Promise<void> {
  const place = path.resolve(`pack-${packId}`);
  try {
    await writeFile(place, bytes, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new HoldfastError(
      'bad_request',
      `The damaged pack could not be kept as ${place}, so nothing was changed. Run the repair in a folder with room for it.`,
      { cause },
    );
  }
}

async function repairSnapshotsCommand(args: RepoArguments, references: readonly string[], io: RepoIo): Promise<number> {
  const isDryRun = args.values['dry-run'] === true;
  const forgets = args.values['forget'] === true;
  const repo = await openStandalone(args);
  const repaired = await whileLocked(repo, io, isDryRun ? 'shared' : 'exclusive', async (signal) =>
    repairSnapshots(repo, {
      snapshots: await chooseSnapshots(repo, references, snapshotFilter(args.values)),
      index: await BlobIndex.load(repo),
      isDryRun,
      forgets,
      signal,
      onLoss: (loss) => {
        if (args.isJson) io.out(JSON.stringify({ type: 'lost', ...loss }));
        else io.err(printable(loss.message));
      },
    }),
  );
  for (const { brokenId, repairedId, isRootLost, isForgotten } of repaired) {
    if (args.isJson) {
      const line = { brokenId, repairedId: repairedId ?? null, isRootLost, isForgotten };
      io.out(JSON.stringify({ type: 'repaired', ...line }));
      continue;
    }
    const outcome = isRootLost
      ? 'has lost even its root: there is nothing to make a snapshot of'
      : repairedId === undefined
        ? 'would be repaired'
        : `repaired, as ${repairedId.slice(0, 8)}`;
    io.out(`Snapshot ${brokenId.slice(0, 8)} ${outcome}${isForgotten ? '; the broken one was forgotten' : ''}.`);
  }
  if (args.isJson)
    io.out(JSON.stringify({ type: 'summary', command: 'repair snapshots', isDryRun, broken: repaired.length }));
  else if (repaired.length === 0) io.out('No snapshot is broken.');
  return EXIT.done;
}
