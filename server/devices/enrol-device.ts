/** A machine becomes a device: its key is bound to customer and policy, and its first backup is expected at once. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { policyDocument, withTimeZone } from '../../core/domain/policy.ts';
import { windowLengthMs } from '../../core/domain/schedule.ts';
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
  readonly custody: string;
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
    const token = await findToken(services, change, tenantId, request);
    if ('answer' in token) return token.answer;
    return await createDevice(services, change, tenantId, deviceId, token, request);
  });
}

async function findToken(
  services: Services,
  change: Change,
  tenantId: string,
  request: EnrolRequest,
): Promise<FoundToken | { readonly answer: EnrolResponse }> {
  const { tx } = change;
  // The row lock makes parallel uses wait for one another; the second then sees that the first has used it.
  const [token] = await tx.$queryRaw<
    (FoundToken & { used_at: Date | null; used_by_device_id: string | null; expires_at: Date })[]
  >`
    SELECT id, customer_id, policy_id, custody, used_at, used_by_device_id, expires_at FROM enrolment_token
    WHERE tenant_id = ${tenantId}::uuid AND token_hash = ${hashToken(request.token)} FOR UPDATE`;
  if (token === undefined) throw invalidToken();
  const answer = await answerAgain(services, change, tenantId, token.used_by_device_id, request.publicKey);
  if (answer !== undefined) return { answer };
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

/**
 * The machine that used the token asks again, with the same key: the answer was lost on its way, and this is that answer.
 * Once its vault is ready it has all that enrolment gives.
 */
async function answerAgain(
  services: Services,
  { tx, audit }: Change,
  tenantId: string,
  deviceId: string | null,
  publicKey: string,
): Promise<EnrolResponse | undefined> {
  if (deviceId === null) return undefined;
  const device = await tx.device.findFirst({
    where: { tenantId, id: deviceId, publicKey, revokedAt: null, vault: { is: { state: 'new' } } },
    include: { policy: true, vault: true, customer: true, sources: true },
  });
  const [source] = device?.sources ?? [];
  if (device?.vault == null || source === undefined) return undefined;
  await audit('device.enrolled', { kind: 'device', id: device.id }, { isRepeated: true });
  return {
    tenantId,
    customerId: device.customerId,
    customerName: device.customer.name,
    deviceId: device.id,
    deviceName: device.name,
    vaultId: device.vault.id,
    custody: device.vault.custody as EnrolResponse['custody'], // bound to these words by a CHECK
    source: { id: source.id, name: source.name, kind: 'files' },
    policyVersion: device.policy.version,
    policy: withTimeZone(policyDocument.parse(device.policy.document), device.customer.timezone),
    serverTimeMs: services.clock.nowMs(),
  };
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
  const custody = token.custody as EnrolResponse['custody']; // bound to these words by a CHECK
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
      custody,
      acceptedCustody: custody,
      state: 'new',
    },
  });
  const windowEnd = new Date(nowMs + windowLengthMs(document.schedule));
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
    custody,
    source: { id: sourceId, name: 'Files and folders', kind: 'files' },
    policyVersion: policy.version,
    policy: withTimeZone(document, customer.timezone),
    serverTimeMs: nowMs,
  };
}
