/** Where things lie in the state folder (0700, every file 0600). */
import { join } from 'node:path';

export const stateFiles = {
  identity: (folder: string): string => join(folder, 'identity.json'),
  pendingEnrolment: (folder: string): string => join(folder, 'enrolment.json'),
  recoveryKit: (folder: string): string => join(folder, 'recovery-kit.txt'),
  state: (folder: string): string => join(folder, 'state.json'),
  sequence: (folder: string): string => join(folder, 'sequence'),
  canary: (folder: string): string => join(folder, 'canary', 'canary.txt'),
  pendingPacks: (folder: string): string => join(folder, 'pending-packs.jsonl'),
  cache: (folder: string): string => join(folder, 'cache'),
};
