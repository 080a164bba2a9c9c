import { systemClock } from '../../core/base/clock.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { removeLocks } from './repository-lock.ts';
import { countText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function unlockCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const repo = await openStandalone(args);
  const { removed, left } = await removeLocks(repo, systemClock, args.values['remove-all'] === true);
  if (args.isJson) io.out(JSON.stringify({ type: 'summary', command: 'unlock', removed, left }));
  else {
    io.out(`${countText(removed, 'lock')} removed.`);
    if (left > 0)
      io.out(
        `${countText(left, 'lock')} left: whoever holds ${left === 1 ? 'it' : 'them'} may be at work. --remove-all removes every lock.`,
      );
  }
  return EXIT.done;
}
