import type { DeviceFacts } from '../../core/domain/alerts/device-facts.ts';
import { wantedAlerts } from '../../core/domain/alerts/evaluate.ts';
import { type AlertKind, STATE_KINDS } from '../../core/domain/alerts/kinds.ts';
import type { StandingAlert } from '../../core/domain/alerts/reconcile.ts';
import type { Rule } from '../../core/domain/alerts/rules.ts';
import { type Urgencies, weighedFor } from '../../core/domain/alerts/urgency.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { refreshAllSummaries } from '../fleet/refresh-summaries.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { announceAlerts } from './alert-events.ts';
import { changeIfAny } from './change-if-any.ts';
import { loadDeviceFacts, loadPolicyFacts, type LookWish } from './load-device-facts.ts';
import { loadRules } from './load-rules.ts';
import { loadUrgencies } from './load-urgencies.ts';
import { type AlertMoves, moveAlerts, movesOf } from './move-alerts.ts';
import { resolveAlerts } from './open-alert.ts';
import { sweepConfigurations } from './sweep-configurations.ts';

/** Devices of one page: few enough megabytes, large enough that the statements do not count. */
const PAGE = 4000;
/** Changes of one transaction: each has an audit row, and the end of the chain is locked until the commit. */
const CHANGES_MAX = 250;
/** Their limits are a rule's, and they are looked at when a backup is sealed. */
const SETTLED_KINDS: readonly AlertKind[] = ['quota', 'growth', 'burn'];
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Opens and closes the alerts that follow from the present state alone, evaluated here and not on the machines, so that a dead
 * one alerts too. Those of a finding (damage, a failed drill) are opened and closed where it is made. Converges: any pass may
 * be repeated.
 */
export async function sweepAlerts(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  await refreshAllSummaries(services, claim.scope, { isWaiting: true });
  const { rules, policies, standing, urgencies } = await withScope(services, claim.scope, async (tx) => ({
    rules: await loadRules(tx, tenantId),
    policies: await loadPolicyFacts(tx, tenantId, nowMs),
    standing: await loadStanding(tx, tenantId),
    urgencies: await loadUrgencies(tx, tenantId, null),
  }));
  await sweepConfigurations(services, claim, policies);
  await wakeSnoozed(services, claim);
  for await (const devices of inPages(services, claim.scope, { policies, rules, nowMs, always: [...standing.keys()] }))
    await applyMoves(services, claim, evaluate(tenantId, devices, { rules, standing, urgencies, nowMs }));
  await closeSwitchedOff(services, claim, rules);
  await closeGone(services, claim);
}

/** Open alerts that the sweep decides about, by device. */
async function loadStanding(tx: Tx, tenantId: string): Promise<ReadonlyMap<string, readonly StandingAlert[]>> {
  const rows = await tx.$queryRaw<(StandingAlert & { deviceId: string })[]>`
    SELECT id, kind, rule_id AS "ruleId", severity, cause, device_id AS "deviceId" FROM alert
    WHERE tenant_id = ${tenantId}::uuid AND resolved_at IS NULL AND device_id IS NOT NULL AND kind = ANY (${[...STATE_KINDS]})`;
  return Map.groupBy(rows, ({ deviceId }) => deviceId);
}

/** The devices that rules may call somebody for; the database reads a page while rules look at the one before. */
async function* inPages(services: Services, scope: Scope, wish: LookWish): AsyncGenerator<readonly DeviceFacts[]> {
  const load = (afterId: string): Promise<readonly DeviceFacts[]> => {
    const page = loadDeviceFacts(services, scope, wish, { afterId, limit: PAGE });
    page.catch(() => undefined); // whoever waits for it hears of it; nobody does when the page before has failed
    return page;
  };
  for (let next: Promise<readonly DeviceFacts[]> | undefined = load(FIRST_ID); next !== undefined; ) {
    const devices: readonly DeviceFacts[] = await next;
    const last = devices.at(-1);
    next = last === undefined ? undefined : load(last.deviceId);
    yield devices;
  }
}

function evaluate(
  tenantId: string,
  devices: readonly DeviceFacts[],
  given: {
    readonly rules: readonly Rule[];
    readonly standing: ReadonlyMap<string, readonly StandingAlert[]>;
    readonly urgencies: Urgencies;
    readonly nowMs: number;
  },
): AlertMoves[] {
  const { rules, standing, urgencies, nowMs } = given;
  return devices.flatMap((facts) => {
    const own = standing.get(facts.deviceId) ?? [];
    const wanted = wantedAlerts(facts, rules, nowMs).map((one) => weighedFor(one, facts.customerId, urgencies));
    if (wanted.length === 0 && own.length === 0) return [];
    const subject = { tenantId, customerId: facts.customerId, deviceId: facts.deviceId };
    return movesOf(subject, facts, rules, wanted, own) ?? [];
  });
}

async function applyMoves(services: Services, claim: Claim, moves: readonly AlertMoves[]): Promise<void> {
  for (let at = 0; at < moves.length; at += CHANGES_MAX)
    await changeIfAny(services, claim, (change) =>
      moveAlerts(services, change, claim.scope.tenantId, moves.slice(at, at + CHANGES_MAX)),
    );
}

/** What is settled where it is found waits for the next finding; a rule that was switched off has nothing more to say meanwhile. */
async function closeSwitchedOff(services: Services, claim: Claim, rules: readonly Rule[]): Promise<void> {
  const { tenantId } = claim.scope;
  const off = rules.filter(({ kind, isEnabled }) => !isEnabled && SETTLED_KINDS.includes(kind));
  if (off.length === 0) return;
  await changeIfAny(services, claim, async (change) => {
    const open = await change.tx.alert.findMany({
      where: { tenantId, resolvedAt: null, OR: off.map(({ kind, id }) => ({ kind, ruleId: id })) },
      select: { id: true },
    });
    const ids = open.map(({ id }) => id);
    return await resolveAlerts(services, change, tenantId, ids, 'rule_off');
  });
}

/** Alerts of devices that are no longer there, whatever they were about. */
async function closeGone(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  await changeIfAny(services, claim, async (change) => {
    const gone = await change.tx.alert.findMany({
      where: { tenantId, resolvedAt: null, device: { revokedAt: { not: null } } },
      select: { id: true },
    });
    const ids = gone.map(({ id }) => id);
    return await resolveAlerts(services, change, tenantId, ids, 'device_gone');
  });
}

/** The end of a snooze is an event of its own: who sent it to sleep is told that it is there again. */
async function wakeSnoozed(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const due = { tenantId, resolvedAt: null, snoozedUntil: { lte: now } };
  await changeIfAny(services, claim, async (change) => {
    const woken = await change.tx.alert.findMany({ where: due, select: { id: true, customerId: true } });
    if (woken.length === 0) return 0;
    await change.tx.alert.updateMany({
      where: { ...due, id: { in: woken.map(({ id }) => id) } },
      data: { snoozedUntil: null },
    });
    for (const { id } of woken) await change.audit('alert.changed', { kind: 'alert', id }, { woken: true });
    const events = woken.map(({ id, customerId }) => ({ alertId: id, customerId, event: 'woken' as const }));
    await announceAlerts(services, change, tenantId, events);
    return woken.length;
  });
}
