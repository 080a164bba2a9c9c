import { open } from 'node:fs/promises';
import { HoldfastError } from '../../core/base/errors.ts';

/**
 * Refuses a secret file that others could read or swap: programs take the password from it, so that it stands on no command
 * line, in no log and in no snapshot. @throws HoldfastError source_missing, forbidden.
 */
export async function assertSecretFile(path: string): Promise<void> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new HoldfastError(
      'source_missing',
      `The secret file ${path} cannot be opened. Make it on this machine, readable by the agent's user alone.`,
      { cause },
    );
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw refused(path, 'it is no plain file');
    if (facts.uid !== process.getuid?.()) throw refused(path, "it does not belong to the agent's user");
    if ((facts.mode & 0o077) !== 0) throw refused(path, 'others may read it; set its mode to 0600');
  } finally {
    await file.close();
  }
}

function refused(path: string, why: string): HoldfastError {
  return new HoldfastError('forbidden', `The secret file ${path} is not used: ${why}.`);
}
