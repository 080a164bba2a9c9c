/** The facts of many devices, a page a statement: what the sweep's rules look at. */
import type { DeviceFacts } from '../../core/domain/alerts/device-facts.ts';
import type { Rule } from '../../core/domain/alerts/rules.ts';
import { lookLimits, MARKED_LEVELS, testedBeforeMs } from '../../core/domain/alerts/watch-marks.ts';
import { type DrillPlanWish, plansOf } from '../../core/domain/drill-plans.ts';
import { type PolicyDocument, policyDocument, withTimeZone } from '../../core/domain/policy.ts';
import { longestPauseMinutes } from '../../core/domain/schedule.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { runInScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { classOf } from './load-rules.ts';
import type { WatchedFacts } from './watched-facts.ts';

/** A policy as far as it decides about the alerts of its devices; many devices have the same one. */
export interface PolicyFacts {
  readonly id: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly name: string;
  readonly version: number;
  readonly document: PolicyDocument;
  readonly rpoMs: number;
  readonly longestPauseMs: number;
  readonly plans: readonly DrillPlanWish[];
}

export async function loadPolicyFacts(
  tx: Tx,
  tenantId: string,
  nowMs: number,
): Promise<ReadonlyMap<string, PolicyFacts>> {
  const policies = await tx.policy.findMany({
    where: { tenantId },
    select: {
      id: true,
      customerId: true,
      name: true,
      version: true,
      document: true,
      customer: { select: { name: true, timezone: true } },
    },
  });
  return new Map(
    policies.map(({ customer, ...policy }) => {
      const document = policyDocument.parse(policy.document);
      const { schedule } = withTimeZone(document, customer.timezone);
      return [
        policy.id,
        {
          ...policy,
          customerName: customer.name,
          document,
          rpoMs: document.rpoMinutes * 60_000,
          longestPauseMs: longestPauseMinutes(schedule, nowMs) * 60_000,
          plans: plansOf(document),
        },
      ];
    }),
  );
}

interface WatchRow {
  readonly device_id: string;
  readonly customer_id: string;
  readonly facts: WatchedFacts;
  readonly seen_ms: number | null;
  readonly listed_ms: number | null;
}

/** Without a name: what is best for two thousand policies and alerts is not what is best for arrays of unknown length. */
const PAGE_STATEMENT = {
  text: `SELECT w.device_id, w.customer_id, w.facts, epoch_ms(ds.last_seen_at) AS seen_ms, epoch_ms(vc.listed_at) AS listed_ms
    FROM device_watch w
    LEFT JOIN device_state ds ON ds.tenant_id = w.tenant_id AND ds.device_id = w.device_id
    LEFT JOIN vault_check vc ON vc.tenant_id = w.tenant_id AND vc.vault_id = w.vault_id
    LEFT JOIN unnest($4::uuid[]) AS named(id) ON named.id = w.device_id
    LEFT JOIN unnest($5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[]) AS p(id, before_3, before_4, before_5)
      ON p.id = w.policy_id
    WHERE w.tenant_id = $1::uuid AND w.device_id > $2::uuid AND (named.id IS NOT NULL OR w.is_troubled
      OR w.point_at < $9::timestamptz OR greatest(ds.last_seen_at, w.enrolled_at) < $10::timestamptz
      OR (w.sealed_at IS NOT NULL AND greatest(vc.listed_at, w.sealed_at) < $11::timestamptz)
      OR w.tested_3_at < p.before_3 OR w.tested_4_at < p.before_4 OR w.tested_5_at < p.before_5
      OR w.overdue_at < $12::timestamptz)
    ORDER BY w.device_id LIMIT $3`,
};

export interface LookWish {
  readonly policies: ReadonlyMap<string, PolicyFacts>;
  readonly rules: readonly Rule[];
  readonly nowMs: number;
  /** Devices that are looked at in any case: those with an alert that stands. */
  readonly always: readonly string[];
}

/** The next devices by id for which a rule may call somebody; empty when there are none after `afterId`. */
export async function loadDeviceFacts(
  services: Pick<Services, 'db'>,
  scope: Scope,
  { policies, rules, nowMs, always }: LookWish,
  page: { readonly afterId: string; readonly limit: number },
): Promise<DeviceFacts[]> {
  const at = (ms: number | null | undefined): Date | null => (ms == null ? null : new Date(ms));
  const limits = lookLimits(rules, nowMs);
  const tested = [...policies.values()].map(({ document }) => testedBeforeMs(document, rules, nowMs));
  const { rows } = await runInScope<WatchRow>(services, scope, {
    ...PAGE_STATEMENT,
    values: [
      ...[scope.tenantId, page.afterId, page.limit, always, [...policies.keys()]],
      ...MARKED_LEVELS.map((_, level) => tested.map((ofPolicy) => at(ofPolicy[level]))),
      ...[at(limits.pointBeforeMs), at(limits.seenBeforeMs), at(limits.checkedBeforeMs), at(limits.overdueBeforeMs)],
    ],
  });
  return rows.flatMap((row) => {
    // One that came to be since the policies were read is looked at the next time.
    const policy = policies.get(row.facts.policyId);
    return policy === undefined ? [] : toFacts(row, policy);
  });
}

function toFacts(
  { device_id: deviceId, customer_id: customerId, facts, seen_ms, listed_ms }: WatchRow,
  policy: PolicyFacts,
): DeviceFacts {
  const sealed = facts.sources.flatMap(({ firstSealedMs }) => firstSealedMs ?? []);
  return {
    deviceId,
    deviceName: facts.name,
    customerId,
    policyId: policy.id,
    deviceClass: classOf(facts.class, facts.os, (policy.document.sources ?? []).length > 0),
    device: {
      name: facts.name,
      host: facts.host,
      customer: policy.customerName,
      policy: policy.name,
      os: facts.os,
      agent: facts.agent,
      tags: facts.tags,
      custody: facts.custody,
      targetMs: policy.rpoMs,
    },
    enrolledMs: facts.enrolledMs,
    lastSeenMs: seen_ms,
    rpoMs: policy.rpoMs,
    longestPauseMs: policy.longestPauseMs,
    pausedUntilMs: policy.document.pausedUntilMs ?? null,
    checkedMs: sealed.length === 0 ? null : Math.max(listed_ms ?? 0, Math.min(...sealed)),
    sources: facts.sources.map(({ passedMs, ...source }) => ({
      ...source,
      overdue: source.overdue ?? null,
      hasPoint: source.firstSealedMs !== null,
      drills: policy.plans.map(({ level, everyHours }) => ({
        level,
        everyHours,
        passedMs: passedMs[level - 3] ?? null,
      })),
    })),
  };
}
