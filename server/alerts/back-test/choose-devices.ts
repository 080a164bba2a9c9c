/** The devices that a rule looks at, as they are now. */
import type { DescribedDevice } from '../../../core/domain/alerts/rule-scope.ts';
import { type DeviceClass, matchesFilter, type Rule } from '../../../core/domain/alerts/rules.ts';
import type { Tx } from '../../db/client.ts';
import type { PolicyFacts } from '../load-device-facts.ts';
import { classOf } from '../load-rules.ts';

export interface ChosenDevice {
  readonly id: string;
  readonly name: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly policyId: string;
  readonly os: string;
  readonly class: string | null;
  readonly hostname: string;
  readonly agentVersion: string;
  readonly tags: readonly string[];
  readonly custody: string | null;
  readonly enrolledAt: Date;
  readonly lastSeenAt: Date | null;
  readonly vaultId: string | null;
  /** When its first restore point was sealed. */
  readonly storedAt: Date | null;
}

/** In an order that is drawn by their ids: the first ones are a sample of all. */
export async function chooseDevices(
  tx: Tx,
  tenantId: string,
  rule: Pick<Rule, 'filter'>,
  policies: ReadonlyMap<string, PolicyFacts>,
): Promise<ChosenDevice[]> {
  const devices = await tx.$queryRaw<ChosenDevice[]>`
    SELECT d.id, d.name, d.customer_id AS "customerId", c.name AS "customerName", d.policy_id AS "policyId", d.os, d.class,
      d.hostname, d.agent_version AS "agentVersion", d.tags, v.custody, d.enrolled_at AS "enrolledAt", ds.last_seen_at AS "lastSeenAt",
      v.id AS "vaultId", w.sealed_at AS "storedAt"
    FROM device d JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    LEFT JOIN vault v ON v.tenant_id = d.tenant_id AND v.device_id = d.id
    LEFT JOIN device_state ds ON ds.tenant_id = d.tenant_id AND ds.device_id = d.id
    LEFT JOIN device_watch w ON w.tenant_id = d.tenant_id AND w.device_id = d.id
    WHERE d.tenant_id = ${tenantId}::uuid AND d.revoked_at IS NULL ORDER BY md5(d.id::text)`;
  return devices.filter((device) => {
    // One whose policy came to be since the policies were read is looked at the next time.
    const policy = policies.get(device.policyId);
    return policy !== undefined && matchesFilter(rule.filter, subjectOf(device, policy));
  });
}

export function subjectOf(
  one: ChosenDevice,
  policy: PolicyFacts,
): { customerId: string; policyId: string; deviceClass: DeviceClass; device: DescribedDevice } {
  return {
    customerId: one.customerId,
    policyId: one.policyId,
    deviceClass: classOf(one.class, one.os, (policy.document.sources ?? []).length > 0),
    device: {
      name: one.name,
      host: one.hostname,
      customer: one.customerName,
      policy: policy.name,
      os: one.os,
      agent: one.agentVersion,
      tags: one.tags,
      custody: one.custody,
      targetMs: policy.rpoMs,
    },
  };
}
