import { mergeStretches, type PastAlert, type Stretch } from '../../../core/domain/alerts/back-test.ts';
import type { AlertKind } from '../../../core/domain/alerts/kinds.ts';
import { matchesFilter, type Rule } from '../../../core/domain/alerts/rules.ts';
import type { Tx } from '../../db/client.ts';
import type { ChosenDevice } from './choose-devices.ts';
import type { NamedSubject } from './summarise.ts';

/** Newer ones speak for a service that finds more than this. */
const FINDINGS_MAX = 20_000;

interface FindingRow {
  readonly customerId: string;
  readonly customerName: string;
  readonly deviceId: string | null;
  readonly policyId: string | null;
  readonly policyName: string | null;
  readonly openedAt: Date;
  readonly resolvedAt: Date | null;
  readonly cause: string;
}

/**
 * What was found in this time, whether a rule told of it or none did, as the alerts that a rule would have opened. `devices` are
 * those that the rule looks at; a finding about a policy or a customer is held against the rest of its filter.
 */
export async function loadFindings(
  tx: Tx,
  tenantId: string,
  rule: Rule,
  devices: readonly ChosenDevice[],
  { startMs, endMs }: Stretch,
): Promise<{ alerts: PastAlert[]; names: Map<string, NamedSubject> }> {
  const rows = await selectFindings(tx, tenantId, rule.kind, new Date(startMs), new Date(endMs));
  const looked = new Map(devices.map((device) => [device.id, device]));
  const names = new Map<string, NamedSubject>();
  const alerts = rows.flatMap((row): PastAlert[] => {
    const { customerId, customerName, deviceId, policyId, policyName } = row;
    const device = deviceId === null ? undefined : looked.get(deviceId);
    const isLookedAt =
      deviceId === null
        ? matchesFilter(rule.filter, { customerId, policyId, deviceClass: null, device: null })
        : device !== undefined;
    if (!isLookedAt) return [];
    const subjectId = deviceId ?? policyId ?? customerId;
    const name = device?.name ?? policyName;
    names.set(
      subjectId,
      name === null || name === undefined
        ? { name: customerName, customerId, customerName: null }
        : { name, customerId, customerName },
    );
    const openedMs = Math.max(startMs, row.openedAt.getTime());
    return [{ subjectId, openedMs, resolvedMs: row.resolvedAt?.getTime() ?? null, cause: row.cause }];
  });
  return { alerts: mergeStretches(alerts), names };
}

async function selectFindings(
  tx: Tx,
  tenantId: string,
  kind: AlertKind,
  start: Date,
  end: Date,
): Promise<FindingRow[]> {
  return await tx.$queryRaw<FindingRow[]>`
    SELECT f.*, c.name AS "customerName", p.name AS "policyName" FROM (
      SELECT customer_id AS "customerId", device_id AS "deviceId", policy_id AS "policyId", opened_at AS "openedAt",
        resolved_at AS "resolvedAt", cause FROM alert
      WHERE tenant_id = ${tenantId}::uuid AND kind = ${kind} AND rule_id IS NULL
        AND opened_at < ${end} AND (resolved_at IS NULL OR resolved_at > ${start})
      UNION ALL
      SELECT customer_id, device_id, policy_id, found_at, ended_at, kind FROM unheard_finding
      WHERE tenant_id = ${tenantId}::uuid AND kind = ${kind}
        AND found_at < ${end} AND (ended_at IS NULL OR ended_at > ${start})) f
    JOIN customer c ON c.tenant_id = ${tenantId}::uuid AND c.id = f."customerId"
    LEFT JOIN policy p ON p.tenant_id = ${tenantId}::uuid AND p.id = f."policyId"
    ORDER BY f."openedAt" DESC LIMIT ${FINDINGS_MAX}`;
}
