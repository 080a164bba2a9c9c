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
  /** What can be made again lies in the cache, beside copies of the vault's objects. */
  blobIndex: (folder: string): string => join(folder, 'cache', 'blob-index'),
  knownFolders: (folder: string): string => join(folder, 'cache', 'known-folders'),
  /** Packs on their way. */
  scratch: (folder: string): string => join(folder, 'scratch'),
  /** Files that a restore test brings back, compares and removes. */
  drill: (folder: string): string => join(folder, 'drill'),
  /** Copies of databases while they are read. */
  copies: (folder: string): string => join(folder, 'copies'),
  /** Programs that a policy may start; kept by whoever administers the machine. */
  allowedPrograms: (folder: string): string => join(folder, 'allowed-programs'),
  cache: (folder: string): string => join(folder, 'cache'),
};
