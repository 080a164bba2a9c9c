/** Names of users and groups, from the machine's own files; unknown numbers have none, as in restic. */
import { readFileSync } from 'node:fs';

function namesOf(file: string): Map<number, string> {
  const names = new Map<number, string>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return names; // a machine without the file (Windows, a bare container): numbers alone are stored
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

export interface OwnerNames {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
  /** All of them in one text: when it is another one, the same numbers may have other names. */
  readonly form: string;
}

export function loadOwnerNames(): OwnerNames {
  const users = namesOf('/etc/passwd');
  const groups = namesOf('/etc/group');
  const form = JSON.stringify([[...users], [...groups]]);
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid), form };
}
