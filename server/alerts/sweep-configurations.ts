/**
 * Is what is protected weaker than what people stand behind? The present version of each policy is compared with the accepted
 * one, whoever changed it and by whatever way: who attacks backups begins by switching them off.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import type { Severity } from '../../core/domain/alerts/kinds.ts';
import { weakenings } from '../../core/domain/alerts/weakening.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { changeIfAny } from './change-if-any.ts';
import type { PolicyFacts } from './load-device-facts.ts';
import { rewordAlert } from './move-alerts.ts';
import { openAlert, resolveAlert } from './open-alert.ts';

/** Policies that are accepted in one transaction, at the first look of a provider with many. */
const ACCEPTED_MAX = 1000;

interface Unsettled {
  readonly id: string;
  readonly accepted: unknown;
  readonly isAlerted: boolean;
}

/** There is nothing that it could be weaker than. */
const isNew = ({ accepted, isAlerted }: Unsettled): boolean => accepted === null && !isAlerted;

export async function sweepConfigurations(
  services: Services,
  claim: Claim,
  policies: ReadonlyMap<string, PolicyFacts>,
): Promise<void> {
  const { tenantId } = claim.scope;
  const { unsettled, custody } = await withScope(services, claim.scope, async (tx) => ({
    unsettled: await unsettledPolicies(tx, tenantId),
    custody: await changedCustody(tx, tenantId),
  }));
  const [first, known] = [unsettled.filter(isNew), unsettled.filter((one) => !isNew(one))];
  for (let at = 0; at < first.length; at += ACCEPTED_MAX) {
    const some = first.slice(at, at + ACCEPTED_MAX).flatMap(({ id }) => policies.get(id) ?? []);
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      await acceptPolicies(tx, tenantId, some, new Date(services.clock.nowMs()), null);
    });
  }
  for (const { id, accepted } of known) {
    const policy = policies.get(id);
    if (policy !== undefined) await settlePolicy(services, claim, policy, accepted);
  }
  for (const vault of custody)
    await changeIfAny(services, claim, async (change) => {
      const did = await openAlert(services, change, {
        tenantId,
        customerId: vault.customerId,
        deviceId: vault.deviceId,
        kind: 'weakened',
        title: 'Who holds the keys of a vault has changed',
        message:
          vault.custody === 'customer_held'
            ? `The keys of ${vault.deviceName} are now held by the customer alone: the service can no longer test restores by itself, and cannot help when the keys are lost. Accept it if it was agreed.`
            : `The keys of ${vault.deviceName} are now held by the service as well: it can open what only the customer could open before. Accept it if it was agreed.`,
      });
      return did ? 1 : 0;
    });
}

/** Weaker: an alert, and the accepted version stays. As strong, or stronger: it is the accepted one from now on. */
async function settlePolicy(
  services: Services,
  claim: Claim,
  policy: PolicyFacts,
  acceptedDocument: unknown,
): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const before = acceptedDocument === null ? undefined : policyDocument.parse(acceptedDocument);
  const found = before === undefined ? [] : weakenings(before, policy.document, nowMs);
  const subject = { tenantId, customerId: policy.customerId, deviceId: null, policyId: policy.id };
  if (found.length === 0) {
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      await acceptPolicies(tx, tenantId, [policy], new Date(nowMs), null);
    });
    await changeIfAny(services, claim, async (change) =>
      (await resolveAlert(services, change, subject, 'weakened')) ? 1 : 0,
    );
    return;
  }
  const title = `The policy ${policy.name} protects less than before`;
  const message = weakenedMessage(found);
  await changeIfAny(services, claim, async (change) => {
    if (await openAlert(services, change, { ...subject, kind: 'weakened', title, message })) return 1;
    // It was weakened once more: nobody may accept what the alert does not say.
    const open = await change.tx.alert.findFirst({
      where: { tenantId, policyId: policy.id, kind: 'weakened', resolvedAt: null, message: { not: message } },
      select: { id: true, ruleId: true, severity: true, cause: true },
    });
    if (open === null) return 0;
    const { id, ruleId, cause } = open;
    const severity = open.severity as Severity; // held by a CHECK constraint
    const to = { ...subject, kind: 'weakened' as const, ruleId, severity, cause, title, message };
    return (await rewordAlert(services, change, id, to)) ? 1 : 0;
  });
}

function weakenedMessage(found: readonly string[]): string {
  return `${found.join(' ')} What is stored is not affected. Change it back, or accept it if it was meant.`;
}

/**
 * The policy of this alert becomes the accepted one, if it is still what the alert says.
 * @throws HoldfastError conflict when it was made weaker in another way meanwhile.
 */
export async function acceptWeakened(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  { policyId, message }: { readonly policyId: string; readonly message: string },
): Promise<void> {
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const policy = await tx.policy.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: policyId } } });
  const accepted = await tx.policyBaseline.findFirst({ where: { tenantId, policyId } });
  const before = accepted === null ? undefined : policyDocument.parse(accepted.document);
  const found = before === undefined ? [] : weakenings(before, policyDocument.parse(policy.document), nowMs);
  if (found.length > 0 && weakenedMessage(found) !== message)
    throw new HoldfastError(
      'conflict',
      'The policy was changed again after this was written, so nothing was accepted. Read it once more: within a minute it says what is weaker now.',
    );
  await acceptPolicies(tx, tenantId, [{ id: policyId, version: policy.version }], new Date(nowMs), scope.actor.id);
}

/** From now on people stand behind these versions, and no others that came in between. */
async function acceptPolicies(
  tx: Tx,
  tenantId: string,
  policies: readonly Pick<PolicyFacts, 'id' | 'version'>[],
  at: Date,
  acceptedBy: string | null,
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO policy_baseline (tenant_id, policy_id, customer_id, version, document, accepted_at, accepted_by)
    SELECT p.tenant_id, p.id, p.customer_id, p.version, p.document, ${at}, ${acceptedBy}::uuid FROM policy p
    JOIN unnest(${policies.map(({ id }) => id)}::uuid[], ${policies.map(({ version }) => version)}::int[]) AS n(id, version)
      ON n.id = p.id AND n.version = p.version
    WHERE p.tenant_id = ${tenantId}::uuid
    ON CONFLICT (tenant_id, policy_id) DO UPDATE SET version = excluded.version, document = excluded.document,
      accepted_at = excluded.accepted_at, accepted_by = excluded.accepted_by`;
}

/** Policies that are not the accepted version, or are alerted and may be no longer: a pause ends by itself. */
async function unsettledPolicies(tx: Tx, tenantId: string): Promise<Unsettled[]> {
  return await tx.$queryRaw`
    SELECT p.id, b.document AS accepted, EXISTS (SELECT FROM alert a WHERE a.tenant_id = p.tenant_id AND a.policy_id = p.id
      AND a.kind = 'weakened' AND a.resolved_at IS NULL) AS "isAlerted" FROM policy p
    LEFT JOIN policy_baseline b ON b.tenant_id = p.tenant_id AND b.policy_id = p.id
    WHERE p.tenant_id = ${tenantId}::uuid AND (b.policy_id IS NULL OR b.version <> p.version
      OR b.document IS DISTINCT FROM p.document OR EXISTS (SELECT FROM alert a WHERE a.tenant_id = p.tenant_id
        AND a.policy_id = p.id AND a.kind = 'weakened' AND a.resolved_at IS NULL))`;
}

async function changedCustody(
  tx: Tx,
  tenantId: string,
): Promise<{ deviceId: string; customerId: string; deviceName: string; custody: string }[]> {
  return await tx.$queryRaw`
    SELECT v.device_id AS "deviceId", v.customer_id AS "customerId", d.name AS "deviceName", v.custody FROM vault v
    JOIN device d ON d.tenant_id = v.tenant_id AND d.id = v.device_id AND d.revoked_at IS NULL
    WHERE v.tenant_id = ${tenantId}::uuid AND v.accepted_custody <> v.custody`;
}
