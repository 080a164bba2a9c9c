/** What people do about alerts: say that they have seen them, take them, send them to sleep for a while, or accept what was found. */
import { HoldfastError } from '../../core/base/errors.ts';
import { isUuid } from '../../core/base/ids.ts';
import type { AlertEventKind } from '../../core/domain/alerts/events.ts';
import { ACCEPTED_BY_PEOPLE, type AlertKind } from '../../core/domain/alerts/kinds.ts';
import { requireRole, requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Alert } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { announceAlerts } from './alert-events.ts';
import { resolveAlerts } from './open-alert.ts';
import { acceptWeakened } from './sweep-configurations.ts';

/** Alerts of one action; the group of a storm is sent in parts. */
export const ACTION_ALERTS_MAX = 1000;
export const NOTE_CHARS_MAX = 1000;
/** Longer is not a snooze: switch the rule off, or excuse what happened. */
const SNOOZE_MS_MAX = 31 * 86_400_000;

/** Somebody has seen them and works on it. Staff. */
export async function acknowledgeAlerts(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  note: string | null,
): Promise<void> {
  requireStaff(scope);
  const said = wordsOf(note);
  await act(services, scope, ids, async (change, alerts) => {
    const data = { acknowledgedAt: new Date(services.clock.nowMs()), acknowledgedBy: scope.actor.id };
    const open = alerts.filter(({ acknowledgedAt }) => acknowledgedAt === null);
    await update(change, scope, open, data);
    // Who says so first has it, unless somebody has it already.
    const free = open.filter(({ ownerId }) => ownerId === null);
    await update(change, scope, free, { ownerId: scope.actor.id });
    await tell(
      services,
      change,
      scope,
      open,
      'acknowledged',
      'alert.acknowledged',
      said === null ? {} : { note: said },
    );
  });
}

/** Gives them to a person of the staff; null: to nobody. */
export async function assignAlerts(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  ownerId: string | null,
): Promise<void> {
  requireStaff(scope);
  await act(services, scope, ids, async (change, alerts) => {
    const owner =
      ownerId === null
        ? null
        : await change.tx.appUser.findFirst({
            where: { tenantId: scope.tenantId, id: ownerId, customerId: null, disabledAt: null },
            select: { id: true, name: true },
          });
    if (ownerId !== null && owner === null)
      throw new HoldfastError('bad_request', 'There is no such person on your staff.');
    await update(change, scope, alerts, { ownerId });
    await tell(services, change, scope, alerts, 'assigned', 'alert.assigned', { ownerId, owner: owner?.name ?? null });
  });
}

/** Out of sight until then; the alerts stay open and count. They wake by themselves. */
export async function snoozeAlerts(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  untilMs: number,
  note: string | null,
): Promise<void> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  if (untilMs <= nowMs) throw new HoldfastError('bad_request', 'The end of the snooze lies in the past.');
  if (untilMs - nowMs > SNOOZE_MS_MAX)
    throw new HoldfastError('bad_request', 'A snooze lasts a month at most. Excuse what happened, or change the rule.');
  const said = wordsOf(note);
  await act(services, scope, ids, async (change, alerts) => {
    await update(change, scope, alerts, { snoozedUntil: new Date(untilMs) });
    const data = { until: new Date(untilMs).toISOString(), ...(said === null ? {} : { note: said }) };
    await tell(services, change, scope, alerts, 'snoozed', 'alert.snoozed', data);
  });
}

/**
 * What was found is meant, or was looked at: the alert is over. For what no state ends: a policy that was made weaker becomes
 * the accepted one. The owner alone, for it makes a weaker protection the measure of later changes.
 */
export async function acceptAlerts(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  reason: string,
): Promise<void> {
  requireRole(scope, 'owner');
  const said = requireWords(reason);
  await act(services, scope, ids, async (change, alerts) => {
    if (alerts.some(({ kind }) => !ACCEPTED_BY_PEOPLE.includes(kind as AlertKind)))
      throw new HoldfastError('conflict', 'This closes by itself when its cause is gone. Snooze it, or excuse it.');
    const { tenantId } = scope;
    for (const { policyId, deviceId, message } of alerts.filter(({ kind }) => kind === 'weakened')) {
      if (policyId !== null) {
        await acceptWeakened(services, change.tx, scope, { policyId, message });
      } else if (deviceId !== null) {
        await change.tx.$executeRaw`UPDATE vault SET accepted_custody = custody
          WHERE tenant_id = ${tenantId}::uuid AND device_id = ${deviceId}::uuid`;
      }
    }
    await resolveAlerts(
      services,
      change,
      tenantId,
      alerts.map(({ id }) => id),
      'accepted',
      { actorId: scope.actor.id!, note: said },
    );
  });
}

/** Open alerts of the scope by their ids, in one transaction; at least one of them must be there. */
export async function act(
  services: Services,
  scope: Scope,
  ids: readonly string[],
  work: (change: Change, alerts: readonly Alert[]) => Promise<void>,
): Promise<void> {
  const wanted = [...new Set(ids.filter(isUuid))];
  if (wanted.length === 0 || wanted.length > ACTION_ALERTS_MAX)
    throw new HoldfastError('bad_request', 'Choose at least one alert, and not more than a thousand at once.');
  await applyChange(services, scope, async (change) => {
    const alerts = await change.tx.alert.findMany({
      where: { tenantId: scope.tenantId, id: { in: wanted }, resolvedAt: null },
      orderBy: { id: 'asc' },
    });
    if (alerts.length === 0) {
      const known = await change.tx.alert.count({ where: { tenantId: scope.tenantId, id: { in: wanted } } });
      if (known === 0) throw new HoldfastError('not_found', 'There is no such alert.');
      throw new HoldfastError('conflict', 'This is over already; nothing is left to do. Reload the page.');
    }
    await work(change, alerts);
  });
}

async function update(
  { tx }: Change,
  scope: Scope,
  alerts: readonly Alert[],
  data: Partial<Pick<Alert, 'acknowledgedAt' | 'acknowledgedBy' | 'ownerId' | 'snoozedUntil'>>,
): Promise<void> {
  await tx.alert.updateMany({
    where: { tenantId: scope.tenantId, id: { in: alerts.map(({ id }) => id) }, resolvedAt: null },
    data,
  });
}

/** One audit row for the action, and an event for each alert. */
export async function tell(
  services: Services,
  change: Change,
  scope: Scope,
  alerts: readonly Alert[],
  event: AlertEventKind,
  action: 'alert.acknowledged' | 'alert.assigned' | 'alert.snoozed' | 'alert.excused',
  data: Readonly<Record<string, string | null>>,
): Promise<void> {
  const [first] = alerts;
  const only = alerts.length === 1 ? first!.id : null;
  await change.audit(
    action,
    { kind: 'alert', id: only },
    { ...data, alerts: alerts.map(({ id }) => id).slice(0, 100) },
  );
  await announceAlerts(
    services,
    change,
    scope.tenantId,
    alerts.map(({ id, customerId }) => ({ alertId: id, customerId, event, actorId: scope.actor.id, data })),
  );
}

function wordsOf(note: string | null): string | null {
  const said = note?.trim() ?? '';
  if (said.length > NOTE_CHARS_MAX)
    throw new HoldfastError('bad_request', `Say it in at most ${NOTE_CHARS_MAX} characters.`);
  return said === '' ? null : said;
}

export function requireWords(reason: string): string {
  const said = wordsOf(reason);
  if (said === null) throw new HoldfastError('bad_request', 'Say why, in a few words: it is kept with the alert.');
  return said;
}
