/**
 * Who this machine is: written once at enrolment, 0600, and never sent anywhere but as signatures. The repository password
 * opens the vault; the recovery kit holds another one for the day when this file is gone.
 */
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { sourceView } from '../../core/protocol/messages.ts';
import { readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
import { stateFiles } from './state-files.ts';

const identityShape = z.strictObject({
  version: z.literal(1),
  serverUrl: z.url(),
  tenantId: z.uuid(),
  customerId: z.uuid(),
  customerName: z.string(),
  deviceId: z.uuid(),
  deviceName: z.string(),
  vaultId: z.uuid(),
  repositoryId: z.string().regex(/^[0-9a-f]{64}$/),
  custody: z.enum(['escrowed', 'customer_held']),
  source: sourceView,
  /** PKCS #8 PEM of the Ed25519 key that was made on this machine. */
  privateKey: z.string(),
  /** 256 random bits, base64url: opens the agent's key file of the vault. */
  repositoryPassword: z.string(),
  enrolledMs: z.int(),
});

export type Identity = z.infer<typeof identityShape>;

export async function findIdentity(statePath: string): Promise<Identity | undefined> {
  const bytes = await readFileIfPresent(stateFiles.identity(statePath));
  if (bytes === undefined) return undefined;
  try {
    return identityShape.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new HoldfastError(
      'internal',
      `${stateFiles.identity(statePath)} is damaged, so this machine cannot prove who it is. Put the file back from a copy, or enrol the machine again with --replace. Existing backups are not affected.`,
      { cause: error },
    );
  }
}

/** @throws HoldfastError device_unknown when this machine was never enrolled. */
export async function loadIdentity(statePath: string): Promise<Identity> {
  const identity = await findIdentity(statePath);
  if (identity === undefined) {
    throw new HoldfastError(
      'device_unknown',
      `This machine is not enrolled (${statePath} has no identity). Ask your provider for an enrolment token and run: holdfast enroll --server URL --token TOKEN`,
    );
  }
  return identity;
}

export async function saveIdentity(statePath: string, identity: Identity): Promise<void> {
  await writeFileAtomic(stateFiles.identity(statePath), `${JSON.stringify(identityShape.parse(identity), null, 2)}\n`);
}
