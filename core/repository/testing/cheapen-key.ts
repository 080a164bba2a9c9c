import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createKeyFile, openRepository } from '../repository.ts';

/**
 * Gives a repository that stock restic or our `init` made another key file for the same password, one that takes no half
 * second to open, in place of the first. For tests that open it dozens of times and are about something else.
 */
export async function cheapenKey(root: string, password: string): Promise<void> {
  const store = createFileStore({ root });
  const { masterKey, keyId } = await openRepository(store, password);
  const owner = { hostname: 'h', username: 'u', clock: systemClock };
  const { key, bytes } = await createKeyFile(masterKey, { password, strength: 'machine', ...owner });
  await store.create(key, bytes);
  unlinkSync(join(root, 'keys', keyId));
}
