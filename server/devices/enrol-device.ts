/** A machine becomes a device: its key is bound to customer and policy, and its first backup is expected at once. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { isEnrolmentProofValid } from '../../core/protocol/enrolment-proof.ts';
import type { EnrolRequest, EnrolResponse } from '../../core/protocol/messages.ts';
import { scopeForSystem } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { vaultPrefix } from '../storage/object-store.ts';
import { hashToken, invalidToken, tenantOfToken } from './enrolment-token.ts';

interface FoundToken {
  readonly id: string;
  readonly customer_id: string;
  readonly policy_id: string;
}

/**
 * @throws HoldfastError signature_invalid when the proof does not fit the key; token_invalid, token_used, token_expired.
 * A token serves once, however many machines try at the same moment.
 */
export async function enrolDevice(
  services: Services,
  request: EnrolRequest,
  proof: { readonly body: Uint8Array; readonly signature: string },
): Promise<EnrolResponse> {
  if (!isEnrolmentProofValid(proof.body, proof.signature, request.publicKey)) {
    throw new HoldfastError(
      'signature_invalid',
      'The machine could not prove that it holds its own key. Try to enrol again.',
    );
  }
  const tenantId = tenantOfToken(request.token);
  return await applyChange(services, scopeForSystem(tenantId), async (change) => {
    const deviceId = newId(services.clock);
    const token = await findToken(services, change, tenantId, request.token);
    return await createDevice(services, change, tenantId, deviceId, token, request);
  });
}

async function findToken(services: Services, { tx }: Change, tenantId: string, text: string): Promise<FoundToken> {
  // The row lock makes parallel uses wait for one another; the second then sees that the first has used it.
  const [token] = await tx.$queryRaw<(FoundToken & { used_at: Date | null; expires_at: Date })[]>`
    SELECT id, customer_id, policy_id, used_at, expires_at FROM enrolment_token
    WHERE tenant_id = ${tenantId}::uuid AND token_hash = ${hashToken(text)} FOR UPDATE`;
  if (token === undefined) throw invalidToken();
  if (token.used_at !== null) {
    throw new HoldfastError(
      'token_used',
      'This enrolment token was used already, and serves only once. Ask your provider for a new one; if it was not you who used it, tell them.',
    );
  }
  if (token.expires_at.getTime() <= services.clock.nowMs()) {
    throw new HoldfastError('token_expired', 'This enrolment token has expired. Ask your provider for a new one.');
  }
  return token;
}

async function createDevice(
  services: Services,
  { tx, audit }: Change,
  tenantId: string,
  deviceId: string,
  token: FoundToken,
  request: EnrolRequest,
): Promise<EnrolResponse> {
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  const owner = { tenantId, customerId: token.customer_id };
  const customer = await tx.customer.findFirstOrThrow({ where: { tenantId, id: token.customer_id } });
  const policy = await tx.policy.findFirstOrThrow({ where: { tenantId, id: token.policy_id } });
  const document = policyDocument.parse(policy.document);
  const { hostname, os, arch, agentVersion, publicKey } = request;
  const name = hostname;
  await tx.device.create({
    data: {
      ...owner,
      id: deviceId,
      policyId: policy.id,
      name,
      hostname,
      os,
      arch,
      agentVersion,
      publicKey,
      enrolledAt: now,
    },
  });
  await tx.deviceState.create({ data: { ...owner, deviceId, lastSeenAt: now } });
  const sourceId = newId(services.clock);
  await tx.source.create({ data: { ...owner, id: sourceId, deviceId, kind: 'files', name: 'Files and folders' } });
  const vaultId = newId(services.clock);
  await tx.vault.create({
    data: {
      ...owner,
      id: vaultId,
      deviceId,
      prefix: vaultPrefix(tenantId, vaultId),
      custody: 'escrowed',
      state: 'new',
    },
  });
  const windowEnd = new Date(nowMs + document.schedule.windowMinutes * 60_000);
  await tx.expectedOccurrence.create({
    data: { ...owner, id: newId(services.clock), deviceId, sourceId, dueAt: now, windowEnd },
  });
  await tx.enrolmentToken.update({
    where: { tenantId_id: { tenantId, id: token.id } },
    data: { usedAt: now, usedByDeviceId: deviceId },
  });
  await audit('device.enrolled', { kind: 'device', id: deviceId }, { hostname, os, arch, agentVersion });
  return {
    tenantId,
    customerId: customer.id,
    customerName: customer.name,
    deviceId,
    deviceName: name,
    vaultId,
    custody: 'escrowed',
    source: { id: sourceId, name: 'Files and folders', kind: 'files' },
    policyVersion: policy.version,
    policy: document,
    serverTimeMs: nowMs,
  };
}
