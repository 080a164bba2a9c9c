import { readFileSync } from 'node:fs';
import { HoldfastError } from '../../core/base/errors.ts';

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A user of this machine, by the local list. @throws HoldfastError bad_request when there is none of this name. */
export function systemUser(name: string, passwdPath = '/etc/passwd'): SystemUser {
  for (const line of readFileSync(passwdPath, 'utf8').split('\n')) {
    const [user, , uid, gid, , home] = line.split(':');
    if (user !== name || uid === undefined || gid === undefined) continue;
    return { uid: Number(uid), gid: Number(gid), home: home ?? '/' };
  }
  throw new HoldfastError(
    'bad_request',
    `This machine has no user "${name}". Correct the user of the source in the policy.`,
  );
}

/** What a program is started as; undefined: as the agent itself. @throws HoldfastError forbidden, bad_request. */
export function runAs(name: string | undefined): SystemUser | undefined {
  if (name === undefined) return undefined;
  const user = systemUser(name);
  const own = process.getuid?.();
  if (own === user.uid) return undefined;
  if (own === 0) return user;
  throw new HoldfastError(
    'forbidden',
    `The source is to be read as the user "${name}", which only an agent of root can do. Run the agent as root or as that user.`,
  );
}
