import { findPlace } from '../../core/repository/find/find-snapshot.ts';
import { type TreeEntry, walkTree } from '../../core/repository/list-tree.ts';
import { EXIT } from '../command-io.ts';
import { entryFacts, entryLine } from './entry-text.ts';
import { openForReading, openSnapshot } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { printable } from './say.ts';

export async function lsCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const [reference = 'latest', place = '/'] = args.positionals;
  const opened = await openForReading(args, io);
  const snapshot = await openSnapshot(opened, args, io, reference);
  const found = await findPlace(opened.reader, snapshot.tree, place);
  if (found !== undefined) tellEntry(args, io, found);
  const treeId = found === undefined ? snapshot.tree : found.node.subtree;
  let isWhole = true;
  const onDamage = (path: string, error: Error): void => {
    isWhole = false;
    if (args.isJson) io.out(JSON.stringify({ type: 'damaged', path, reason: error.message }));
    else io.err(`${printable(path)}: ${error.message}`);
  };
  if (treeId !== undefined) {
    const basePath = found?.pathBytes ?? Buffer.alloc(0);
    const options = { signal: io.signal, basePath, onDamage, enter: () => args.isRecursive };
    for await (const entry of walkTree(opened.reader, treeId, options)) tellEntry(args, io, entry);
  }
  return isWhole ? EXIT.done : EXIT.partial;
}

function tellEntry(args: RepoArguments, io: RepoIo, entry: TreeEntry): void {
  io.out(args.isJson ? JSON.stringify({ type: 'node', ...entryFacts(entry) }) : entryLine(entry, args.isLong));
}
