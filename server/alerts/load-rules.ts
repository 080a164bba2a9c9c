/** The rules in force: the built-in one of each kind as the provider changed it, and the provider's own. */
import { ALERT_KINDS, type AlertKind, type Severity } from '../../core/domain/alerts/kinds.ts';
import type { DescribedDevice } from '../../core/domain/alerts/rule-scope.ts';
import {
  builtInRule,
  type DeviceClass,
  guessClass,
  matchesFilter,
  parseParameters,
  type Rule,
  ruleFilter,
} from '../../core/domain/alerts/rules.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { Tx } from '../db/client.ts';
import type { AlertRule } from '../db/generated/client.ts';

/** Every rule of the tenant, those that are off among them. */
export async function loadRules(tx: Tx, tenantId: string): Promise<Rule[]> {
  const rows = await tx.alertRule.findMany({ where: { tenantId }, orderBy: { createdAt: 'asc' } });
  const changed = new Map(rows.filter(({ isBuiltIn }) => isBuiltIn).map((row) => [row.kind, toRule(row)]));
  return [
    ...ALERT_KINDS.map((kind) => changed.get(kind) ?? builtInRule(kind)),
    ...rows.filter(({ isBuiltIn }) => !isBuiltIn).map(toRule),
  ];
}

export function toRule(row: AlertRule): Rule {
  const kind = row.kind as AlertKind; // held by a CHECK constraint, as the severity is
  return {
    // The alerts of a built-in rule are named by their kind, whether it was changed or not.
    id: row.isBuiltIn ? null : row.id,
    kind,
    name: row.name,
    isEnabled: row.isEnabled,
    severity: row.severity as Severity,
    parameters: parseParameters(kind, row.parameters),
    filter: ruleFilter.parse(row.filter),
  };
}

/** The built-in rule of a finding's kind, unless it is off or does not look at this subject. */
export async function findRuleFor<K extends AlertKind>(
  tx: Tx,
  tenantId: string,
  subject: {
    readonly kind: K;
    readonly customerId: string;
    readonly deviceId: string | null;
    readonly policyId?: string | null;
  },
): Promise<Rule | undefined> {
  const row = await tx.alertRule.findFirst({ where: { tenantId, kind: subject.kind, isBuiltIn: true } });
  const rule = row === null ? builtInRule(subject.kind) : toRule(row);
  if (!rule.isEnabled) return undefined;
  if (Object.keys(rule.filter).length === 0) return rule;
  return matchesFilter(rule.filter, await loadSubject(tx, tenantId, subject)) ? rule : undefined;
}

export interface LoadedSubject {
  readonly customerId: string;
  readonly policyId: string | null;
  readonly deviceClass: DeviceClass | null;
  readonly device: DescribedDevice | null;
}

export async function loadSubject(
  tx: Tx,
  tenantId: string,
  subject: { readonly customerId: string; readonly deviceId: string | null; readonly policyId?: string | null },
): Promise<LoadedSubject> {
  const { customerId, deviceId, policyId = null } = subject;
  if (deviceId === null) return { customerId, policyId, deviceClass: null, device: null };
  const row = await tx.device.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: deviceId } },
    select: {
      ...{ policyId: true, class: true, name: true, hostname: true, os: true, agentVersion: true, tags: true },
      policy: { select: { name: true, document: true } },
      customer: { select: { name: true } },
      vault: { select: { custody: true } },
    },
  });
  const document = policyDocument.parse(row.policy.document);
  return {
    customerId,
    policyId: row.policyId,
    deviceClass: classOf(row.class, row.os, (document.sources ?? []).length > 0),
    device: {
      name: row.name,
      host: row.hostname,
      customer: row.customer.name,
      policy: row.policy.name,
      os: row.os,
      agent: row.agentVersion,
      tags: row.tags,
      custody: row.vault?.custody ?? null,
      targetMs: document.rpoMinutes * 60_000,
    },
  };
}

/** What people said, or else what its system and its policy let one think. */
export function classOf(stored: string | null, os: string, hasDatabases: boolean): DeviceClass {
  return (stored as DeviceClass | null) ?? guessClass(os, hasDatabases);
}
