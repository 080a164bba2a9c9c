import { hostname, userInfo } from 'node:os';
import { systemClock } from '../../core/base/clock.ts';
import { addKey, changePassword, listKeys, removeKey } from '../../core/repository/keys/keys.ts';
import type { KeyFileOptions } from '../../core/repository/repository.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import { EXIT, UsageError } from '../command-io.ts';
import { needed, text } from './option-values.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { printable } from './say.ts';
import { openStandalone, readPassword } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';

export async function keyCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const [verb = '', id] = args.positionals;
  if (!['list', 'add', 'remove', 'passwd'].includes(verb))
    throw new UsageError('key needs one of list, add, remove ID, passwd.');
  if ((verb === 'remove') !== (id !== undefined))
    throw new UsageError(
      verb === 'remove' ? 'key remove needs the id of a key.' : `key ${verb} takes no further words.`,
    );
  const options = verb === 'add' || verb === 'passwd' ? await newKey(args) : undefined;
  const repo = await openStandalone(args);
  if (verb === 'list') return await tellKeys(repo, args, io);
  const kind = verb === 'add' ? 'shared' : 'exclusive';
  const changed = await whileLocked(repo, io, kind, async () => {
    if (options === undefined) return { action: 'removed', keyId: await removeKey(repo, id!) };
    if (verb === 'add') return { action: 'added', keyId: await addKey(repo, options) };
    return { action: 'exchanged', keyId: await changePassword(repo, options) };
  });
  if (args.isJson) io.out(JSON.stringify({ type: 'summary', command: 'key', ...changed }));
  else
    io.out(
      {
        removed: `Key ${changed.keyId.slice(0, 8)} removed. Whoever used it has kept what was read with it.`,
        added: `Key ${changed.keyId.slice(0, 8)} added: the repository opens with the new password too.`,
        exchanged: `The password was changed; its key is ${changed.keyId.slice(0, 8)}. The old one opens nothing any more.`,
      }[changed.action]!, // the three actions above
    );
  return EXIT.done;
}

async function newKey(args: RepoArguments): Promise<KeyFileOptions> {
  const file = needed(args.values, 'new-password-file', 'FILE, the file with the new password');
  return {
    password: await readPassword({ passwordFile: file }),
    strength: 'password',
    hostname: text(args.values, 'host') ?? hostname(),
    username: text(args.values, 'user') ?? userInfo().username,
    clock: systemClock,
  };
}

async function tellKeys(repo: OpenRepository, args: RepoArguments, io: RepoIo): Promise<number> {
  const { keys, damaged } = await listKeys(repo);
  for (const { id, isInUse, created, username, hostname: host } of keys) {
    if (args.isJson) io.out(JSON.stringify({ type: 'key', id, isInUse, created, username, hostname: host }));
    else
      io.out(
        printable(
          `${isInUse ? '*' : ' '} ${id.slice(0, 8)}  ${created.slice(0, 19).replace('T', ' ')}  ${username}@${host}`,
        ),
      );
  }
  for (const { id, message } of damaged) {
    if (args.isJson)
      io.out(JSON.stringify({ type: 'finding', severity: 'error', kind: 'key_unreadable', id, message }));
    else io.err(`Key ${id.slice(0, 8)} cannot be read: ${message}`);
  }
  return damaged.length === 0 ? EXIT.done : EXIT.partial;
}
