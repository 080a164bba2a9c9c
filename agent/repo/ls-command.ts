import { HoldfastError } from '../../core/base/errors.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { findPath, type TreeEntry, walkTree } from '../../core/repository/list-tree.ts';
import { loadSnapshot } from '../../core/repository/repository.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function lsCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const [reference = 'latest', place = '/'] = args.positionals;
  const repo = await openStandalone(args);
  const snapshot = await loadSnapshot(repo, reference);
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  let treeId: string | undefined = snapshot.tree;
  let basePath: Uint8Array = Buffer.alloc(0);
  if (place.split('/').some((part) => part !== '')) {
    const found = await findPath(reader, snapshot.tree, place);
    if (found === undefined) throw new HoldfastError('not_found', `The snapshot holds nothing at ${place}.`);
    tellEntry(args, io, found);
    treeId = found.node.subtree;
    basePath = found.pathBytes;
  }
  let isWhole = true;
  const onDamage = (path: string, error: Error): void => {
    isWhole = false;
    if (args.isJson) io.out(JSON.stringify({ type: 'damaged', path, reason: error.message }));
    else io.err(`${printable(path)}: ${error.message}`);
  };
  if (treeId !== undefined) {
    for await (const entry of walkTree(reader, treeId, { signal: io.signal, basePath, onDamage }))
      tellEntry(args, io, entry);
  }
  return isWhole ? EXIT.done : EXIT.partial;
}

function tellEntry(args: RepoArguments, io: RepoIo, { path, node }: TreeEntry): void {
  if (!args.isJson) return io.out(printable(path));
  const { type, size, mode, mtime, uid, gid, linkTarget } = node;
  const target = linkTarget === undefined ? {} : { linkTarget: Buffer.from(linkTarget).toString('utf8') };
  io.out(
    JSON.stringify({ type: 'node', path, nodeType: type, size: Number(size ?? 0n), mode, mtime, uid, gid, ...target }),
  );
}
