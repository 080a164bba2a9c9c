/** The new vault's config and key files, made on this machine: no key of it was ever anywhere else. */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../core/base/clock.ts';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import type { ManifestObject } from '../../core/protocol/manifest.ts';
import { sha256Hex } from '../../core/repository/object-names.ts';
import { createKeyFile, initRepository } from '../../core/repository/repository.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import type { VaultMaterial } from './pending-enrolment.ts';
import { makeRecoveryPassword } from './recovery-kit.ts';

const newPassword = (): string => randomBytes(32).toString('base64url');

/** One repository with a key file for the agent, for the recovery kit and, in escrowed custody, for drills. */
export async function makeVault(
  custody: 'escrowed' | 'customer_held',
  hostname: string,
  clock: Clock = systemClock,
): Promise<VaultMaterial> {
  const store = createMemoryStore();
  const agentPassword = newPassword();
  const recoveryPassword = makeRecoveryPassword();
  const drillPassword = custody === 'escrowed' ? newPassword() : null;
  // Random passwords of 256 bits: stretching would add nothing and cost time at every opening.
  const terms = { strength: 'machine', hostname, clock } as const;
  const repo = await initRepository(store, { ...terms, password: agentPassword, username: 'agent' });
  const config = await store.get('config');
  const objects = [
    objectOf('config', 'config', config),
    objectOf(`keys/${repo.keyId}`, 'key', await store.get(`keys/${repo.keyId}`)),
  ];
  const keys: VaultMaterial['keys'] = [{ id: repo.keyId, principal: 'agent' }];
  const further = [
    { principal: 'recovery_kit', password: recoveryPassword, username: 'recovery-kit' },
    ...(drillPassword === null ? [] : [{ principal: 'drill', password: drillPassword, username: 'drill' } as const]),
  ] as const;
  for (const { principal, password, username } of further) {
    const file = await createKeyFile(repo.masterKey, { ...terms, password, username });
    keys.push({ id: file.id, principal });
    objects.push(objectOf(file.key, 'key', file.bytes));
  }
  return {
    repositoryId: repo.config.id,
    configSha256: sha256Hex(config),
    keys,
    objects,
    agentPassword,
    recoveryPassword,
    drillPassword,
  };
}

function objectOf(key: string, kind: ManifestObject['kind'], bytes: Uint8Array): VaultMaterial['objects'][number] {
  return {
    object: { key, kind, size: bytes.length, crc32c: crc32cBase64(bytes) },
    bytes: Buffer.from(bytes).toString('base64'),
  };
}
