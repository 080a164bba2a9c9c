import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import { initRepository } from '../../core/repository/repository.ts';
import { EXIT, UsageError } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { openSource, readPassword, storeOf } from './standalone-repository.ts';

export async function initCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const password = await readPassword(args);
  const isLike = args.values['copy-chunker-params'] === true;
  if (!isLike && args.values['from-repo'] !== undefined)
    throw new UsageError('--from-repo of init is for --copy-chunker-params.');
  const like = isLike ? (await openSource(args)).config : undefined;
  const { config } = await initRepository(storeOf(args), {
    password,
    strength: 'password',
    hostname: hostname(),
    username: userInfo().username,
    clock: systemClock,
    ...(like === undefined ? {} : { chunkerPolynomial: like.chunkerPolynomial }),
  });
  const folder = path.resolve(args.repo);
  if (args.isJson) io.out(JSON.stringify({ type: 'initialized', repositoryId: config.id, path: folder }));
  else
    io.out(
      `Made repository ${config.id.slice(0, 8)} in ${folder}. Without its password its data cannot be read: keep it safe.`,
    );
  return EXIT.done;
}
