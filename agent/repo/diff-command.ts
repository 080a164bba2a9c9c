import { systemClock } from '../../core/base/clock.ts';
import { type Change, type ChangeKind, type DiffCounts, TreeDiff } from '../../core/repository/diff/diff-snapshots.ts';
import { EXIT } from '../command-io.ts';
import { openForReading, openSnapshot } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, printable, progressTeller } from './say.ts';

/** restic's letters. */
const LETTERS: Readonly<Record<ChangeKind, string>> = {
  added: '+',
  removed: '-',
  content: 'M',
  type: 'T',
  metadata: 'U',
};

export async function diffCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const opened = await openForReading(args, io);
  const [first = '', second = ''] = args.positionals;
  const before = await openSnapshot(opened, args, io, first);
  const after = await openSnapshot(opened, args, io, second);
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  let listings = 0;
  let isWhole = true;
  const diff = new TreeDiff(opened.reader, {
    withMetadata: args.withMetadata,
    signal: io.signal,
    onListing: (path) => {
      listings += 1;
      tell(
        () => ({ command: 'diff', listingsRead: listings, path }),
        () => `${countText(listings, 'folder')} read  ${path}`,
      );
    },
    onDamage: (path, { message }) => {
      isWhole = false;
      if (args.isJson) io.out(JSON.stringify({ type: 'damaged', path, reason: message }));
      else io.err(`Not compared: ${printable(path)}: ${message}`);
    },
  });
  if (!args.isJson) io.out(`From snapshot ${before.id.slice(0, 8)} to ${after.id.slice(0, 8)}:`);
  for await (const change of diff.changes(before.tree, after.tree)) tellChange(args, io, change);
  const summary = diff.summary();
  if (args.isJson) {
    const ids = { before: before.id, after: after.id };
    io.out(JSON.stringify({ type: 'summary', command: 'diff', ...ids, ...summary, isWhole }));
  } else {
    const { changedFiles, changedTypes, changedMetadata, added, removed } = summary;
    io.out(`\nAdded:    ${countsText(added)}`);
    io.out(`Removed:  ${countsText(removed)}`);
    const types = changedTypes === 0 ? '' : `, ${countText(changedTypes, 'entry', 'entries')} of another type`;
    const metadata = args.withMetadata ? `, ${countText(changedMetadata, 'entry', 'entries')} in metadata alone` : '';
    io.out(`Changed:  ${countText(changedFiles, 'file')}${types}${metadata}`);
  }
  return isWhole ? EXIT.done : EXIT.partial;
}

function countsText({ files, dirs, others, fileBytes, bytes }: DiffCounts): string {
  const entries = `${countText(files, 'file')} of ${bytesText(fileBytes)}, ${countText(dirs, 'folder')}, ${countText(others, 'other')}`;
  return `${entries}; ${bytesText(bytes)} that the other does not have`;
}

function tellChange(args: RepoArguments, io: RepoIo, { kind, path, before, after, metadata }: Change): void {
  const node = after ?? before!; // a change has one of them
  if (args.isJson) {
    const sizes = {
      ...(before?.type === 'file' ? { bytesBefore: Number(before.size ?? 0n) } : {}),
      ...(after?.type === 'file' ? { bytesAfter: Number(after.size ?? 0n) } : {}),
    };
    const types = kind === 'type' ? { nodeTypeBefore: before!.type } : {};
    const fields = metadata === undefined ? {} : { metadata };
    io.out(JSON.stringify({ type: 'change', change: kind, path, nodeType: node.type, ...types, ...sizes, ...fields }));
    return;
  }
  const slash = node.type === 'dir' ? '/' : '';
  io.out(`${LETTERS[kind]}  ${printable(path)}${slash}${metadata === undefined ? '' : `  (${metadata.join(', ')})`}`);
}
