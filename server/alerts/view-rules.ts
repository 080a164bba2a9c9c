import { type AlertTimes, noiseReport } from '../../core/domain/alerts/noise.ts';
import type { Severity } from '../../core/domain/alerts/kinds.ts';
import type { Rule } from '../../core/domain/alerts/rules.ts';
import { ruleKey } from '../../core/domain/alerts/reconcile.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadRules } from './load-rules.ts';
import type { RulesView, RuleView } from './view.ts';
import { loadTeamTime } from './view-team-time.ts';

/** Four weeks: long enough that a rule which calls once a week is seen to. */
const NOISE_DAYS = 28;
const DAY_MS = 86_400_000;
/** Newer ones speak for a rule that has called more often than that. */
const NOISE_ALERTS_MAX = 100_000;

/** Every rule with how much it called for nothing. Staff. */
export async function viewRules(services: Services, scope: Scope): Promise<RulesView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const rules = await loadRules(tx, tenantId);
    const devices = await tx.device.count({ where: { tenantId, revokedAt: null } });
    const changed = new Map(
      (await tx.alertRule.findMany({ where: { tenantId }, include: { updater: { select: { name: true } } } })).map(
        (row) => [ruleKey({ kind: row.kind, ruleId: row.isBuiltIn ? null : row.id }), row],
      ),
    );
    const times = await selectTimes(tx, tenantId, new Date(nowMs - NOISE_DAYS * DAY_MS));
    const customers = await tx.customer.findMany({
      where: { tenantId },
      select: { id: true, name: true, quotaBytes: true },
      orderBy: { name: 'asc' },
    });
    const policies = await tx.policy.findMany({
      where: { tenantId },
      select: { id: true, name: true, customer: { select: { name: true } } },
      orderBy: [{ customer: { name: 'asc' } }, { name: 'asc' }],
    });
    return {
      nowMs,
      devices,
      days: NOISE_DAYS,
      noise: noiseReport([...times.values()].flat(), devices, NOISE_DAYS * DAY_MS),
      teamTime: await loadTeamTime(tx, tenantId, nowMs),
      rules: rules.map((rule) => ({
        rule,
        isChanged: rule.id === null && changed.has(rule.kind),
        changedBy: changedBy(changed.get(ruleKey({ kind: rule.kind, ruleId: rule.id }))),
        noise: noiseReport(
          times.get(ruleKey({ kind: rule.kind, ruleId: rule.id })) ?? [],
          devices,
          NOISE_DAYS * DAY_MS,
        ),
      })),
      customers: customers.map(({ quotaBytes, ...customer }) => ({
        ...customer,
        quotaBytes: quotaBytes === null ? null : Number(quotaBytes),
      })),
      urgencies: await listUrgencies(tx, tenantId, rules),
      policies: policies.map(({ customer, ...policy }) => ({ ...policy, customerName: customer.name })),
      mayChange: scope.role === 'owner',
    };
  });
}

function changedBy(
  row: { readonly updater: { readonly name: string } | null; readonly updatedAt: Date } | undefined,
): RuleView['changedBy'] {
  return row?.updater == null ? null : { who: row.updater.name, atMs: row.updatedAt.getTime() };
}

/** Newer ones are shown of more; what is in force is among them unless it was set longer ago than this many changes. */
const URGENCIES_SHOWN = 500;

async function listUrgencies(tx: Tx, tenantId: string, rules: readonly Rule[]): Promise<RulesView['urgencies']> {
  const names = new Map(rules.map(({ id, kind, name }) => [ruleKey({ kind, ruleId: id }), name]));
  const rows = await tx.alertUrgency.findMany({
    where: { tenantId },
    orderBy: [{ changedAt: 'desc' }, { id: 'desc' }],
    take: URGENCIES_SHOWN,
    include: { customer: { select: { name: true } }, changer: { select: { name: true } } },
  });
  const seen = new Set<string>();
  return rows.map((row) => {
    const key = `${row.customerId} ${row.ruleKey}`;
    const isInForce = !seen.has(key) && row.severity !== null;
    seen.add(key);
    return {
      id: row.id,
      customerId: row.customerId,
      customerName: row.customer.name,
      ruleKey: row.ruleKey,
      ruleName: names.get(row.ruleKey) ?? row.ruleKey,
      severity: row.severity as Severity | null, // held by a CHECK constraint
      who: row.changer.name,
      atMs: row.changedAt.getTime(),
      isInForce,
    };
  });
}

async function selectTimes(tx: Tx, tenantId: string, since: Date): Promise<ReadonlyMap<string, AlertTimes[]>> {
  const rows = await tx.alert.findMany({
    where: { tenantId, openedAt: { gte: since } },
    select: {
      kind: true,
      ruleId: true,
      openedAt: true,
      resolvedAt: true,
      acknowledgedAt: true,
      resolution: true,
      reopenings: true,
    },
    orderBy: { openedAt: 'desc' },
    take: NOISE_ALERTS_MAX,
  });
  const byRule = Map.groupBy(rows, ruleKey);
  return new Map(
    [...byRule].map(([key, of]) => [
      key,
      of.map(({ openedAt, resolvedAt, acknowledgedAt, resolution, reopenings }) => ({
        openedMs: openedAt.getTime(),
        resolvedMs: resolvedAt?.getTime() ?? null,
        acknowledgedMs: acknowledgedAt?.getTime() ?? null,
        isSelfResolved: resolution === 'recovered',
        isMoot: resolution === 'rule_off' || resolution === 'device_gone',
        isReopened: reopenings > 0,
      })),
    ]),
  );
}
