/**
 * An enrolment that is under way: everything that must not be made twice is on disk before it is first used, so that an
 * interruption anywhere is continued by giving the command again.
 */
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { manifestObject } from '../../core/protocol/manifest.ts';
import { enrolResponse } from '../../core/protocol/messages.ts';
import { readFileIfPresent, writeFileAtomic } from '../state/atomic-file.ts';
import { stateFiles } from '../state/state-files.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const vaultMaterial = z.strictObject({
  repositoryId: hex64,
  configSha256: hex64,
  keys: z.array(z.strictObject({ id: hex64, principal: z.enum(['agent', 'drill', 'recovery_kit']) })),
  objects: z.array(z.strictObject({ object: manifestObject, bytes: z.base64() })),
  agentPassword: z.string(),
  recoveryPassword: z.string(),
  /** Null in customer-held custody: nobody but the customer can read then. */
  drillPassword: z.string().nullable(),
});
export type VaultMaterial = z.infer<typeof vaultMaterial>;

const pendingShape = z.strictObject({
  version: z.literal(1),
  serverUrl: z.string(),
  publicKey: z.string(),
  privateKey: z.string(),
  response: enrolResponse.nullable(),
  vault: vaultMaterial.nullable(),
});
export type PendingEnrolment = z.infer<typeof pendingShape>;

/** Undefined when there is none, or one that cannot be continued. */
export async function findPendingEnrolment(statePath: string): Promise<PendingEnrolment | undefined> {
  const bytes = await readFileIfPresent(stateFiles.pendingEnrolment(statePath));
  if (bytes === undefined) return undefined;
  try {
    return pendingShape.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}

export async function savePendingEnrolment(statePath: string, pending: PendingEnrolment): Promise<void> {
  await writeFileAtomic(stateFiles.pendingEnrolment(statePath), JSON.stringify(pending));
}

export async function dropPendingEnrolment(statePath: string): Promise<void> {
  await rm(stateFiles.pendingEnrolment(statePath), { force: true });
}
