/** The keys that sign a provider's evidence: made at first use, sealed under the tenant's key, replaced and never removed. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { keyIdOf, SIGNED_PREFIX } from '../../core/evidence/chain.ts';
import { endorsementText } from '../../core/evidence/record.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
}

interface NewKey {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/** The key that signs now. The first use makes it; of two at once, one wins and both use it. */
export async function signingKey(
  services: Pick<Services, 'keys' | 'clock'>,
  tx: Tx,
  tenantId: string,
): Promise<SigningKey> {
  const known = await activeKey(services, tx, tenantId);
  if (known !== undefined) return known;
  await insertKey(services, tx, tenantId, await makeKey(), null);
  const made = await activeKey(services, tx, tenantId);
  if (made === undefined) throw new HoldfastError('internal', 'The key for evidence could not be made.');
  return made;
}

/** A new key signs from now on, vouched for by the old one, which stays for what it signed. */
export async function rotateEvidenceKey(services: Services, scope: Scope): Promise<{ keyId: string }> {
  requireRole(scope, 'owner');
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const old = await signingKey(services, tx, scope.tenantId);
    // The head of the audit chain is not enough: two rotations at once must not both follow the same key.
    const retired = await tx.evidenceKey.updateMany({
      where: { tenantId: scope.tenantId, id: old.id, retiredAt: null },
      data: { retiredAt: new Date(services.clock.nowMs()) },
    });
    if (retired.count === 0) throw new HoldfastError('conflict', 'The key was changed by somebody else just now.');
    const key = await makeKey();
    await insertKey(services, tx, scope.tenantId, key, old);
    await audit('evidence_key.rotated', { kind: 'evidence_key', id: null }, { keyId: key.id, before: old.id });
    return { keyId: key.id };
  });
}

/** Ed25519 over prefix and text, in base64url. */
export function signEvidence(key: SigningKey, kind: keyof typeof SIGNED_PREFIX, text: string): string {
  return sign(null, Buffer.from(SIGNED_PREFIX[kind] + text), key.privateKey).toString('base64url');
}

async function activeKey(services: Pick<Services, 'keys'>, tx: Tx, tenantId: string): Promise<SigningKey | undefined> {
  const row = await tx.evidenceKey.findFirst({ where: { tenantId, retiredAt: null } });
  if (row === null) return undefined;
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const der = services.keys.open(tenant, placeOf(row.id), row.privateKeySealed);
  return { id: row.id, privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

async function makeKey(): Promise<NewKey> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'jwk' }).x ?? ''; // every Ed25519 key has one
  return { id: await keyIdOf(raw), publicKey: raw, privateKey };
}

async function insertKey(
  services: Pick<Services, 'keys' | 'clock'>,
  tx: Tx,
  tenantId: string,
  key: NewKey,
  before: SigningKey | null,
): Promise<void> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const der = key.privateKey.export({ format: 'der', type: 'pkcs8' });
  const sealed = Uint8Array.from(services.keys.seal(tenant, placeOf(key.id), der));
  const endorsement = before === null ? null : signEvidence(before, 'key', endorsementText(key));
  const createdAt = new Date(services.clock.nowMs());
  await tx.$executeRaw`
    INSERT INTO evidence_key (tenant_id, id, public_key, private_key_sealed, endorsed_by, endorsement, created_at)
    VALUES (${tenantId}::uuid, ${key.id}, ${key.publicKey}, ${sealed}, ${before?.id ?? null}, ${endorsement}, ${createdAt})
    ON CONFLICT (tenant_id) WHERE retired_at IS NULL DO NOTHING`;
}

function placeOf(keyId: string) {
  return { table: 'evidence_key', row: keyId, column: 'private_key_sealed' };
}
