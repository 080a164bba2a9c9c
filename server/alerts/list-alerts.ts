import { HoldfastError } from '../../core/base/errors.ts';
import { ALERT_EVENTS, type AlertEventKind, type Resolution } from '../../core/domain/alerts/events.ts';
import type { AlertKind, Severity } from '../../core/domain/alerts/kinds.ts';
import { type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { Prisma } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadTickets } from './alert-tickets.ts';
import { listStaff } from './queries.ts';
import {
  ALERT_STATES,
  type AlertDetail,
  type AlertList,
  type AlertListState,
  type AlertRow,
  type AlertState,
  type AlertStep,
} from './view.ts';

export const ALERT_ROWS = 50;

export interface AlertFilter {
  readonly state: AlertListState;
  /** Part of a title, a message, a device or a customer, any case. */
  readonly text: string;
  readonly kind: AlertKind | null;
  /** Of this rule alone; `built_in`: of the one of the kind. */
  readonly rule?: string | null;
  /** Opened at this instant or later, milliseconds since the epoch: as the figures of a rule count. */
  readonly sinceMs?: number | null;
}

/** Customers do not see the accounts of the provider's people. */
const UNSEEN = 'your provider';

const WITH_NAMES = {
  customer: { select: { name: true, timezone: true } },
  device: { select: { name: true } },
  policy: { select: { name: true } },
  rule: { select: { name: true } },
  owner: { select: { name: true } },
} as const satisfies Prisma.AlertInclude;
type NamedAlert = Prisma.AlertGetPayload<{ include: typeof WITH_NAMES }>;

/** Alerts of one state, the newest first, a page at a time. A customer's user sees their own. */
export async function viewAlerts(
  services: Services,
  scope: Scope,
  filter: AlertFilter,
  page: number,
): Promise<AlertList> {
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  return await withScope(services, scope, async (tx) => {
    const where = { ...matching(scope, filter), ...inState(filter.state, now) };
    const counts = { open: 0, acknowledged: 0, snoozed: 0, resolved: 0, any: 0 };
    for (const state of ALERT_STATES)
      counts[state] = await tx.alert.count({ where: { ...matching(scope, filter), ...inState(state, now) } });
    counts.any = ALERT_STATES.reduce((sum, state) => sum + counts[state], 0);
    const rows = await tx.alert.findMany({
      where,
      include: WITH_NAMES,
      orderBy: filter.state === 'resolved' ? { resolvedAt: 'desc' } : { openedAt: 'desc' },
      skip: (page - 1) * ALERT_ROWS,
      take: ALERT_ROWS,
    });
    return { nowMs, total: counts[filter.state], rows: rows.map((row) => toRow(row, nowMs)), counts };
  });
}

function matching(scope: Scope, { text, kind, rule = null, sinceMs = null }: AlertFilter): Prisma.AlertWhereInput {
  const contains = { contains: text.trim(), mode: 'insensitive' as const };
  return {
    tenantId: scope.tenantId,
    ...(scope.customerId === null ? {} : { customerId: scope.customerId }),
    ...(kind === null ? {} : { kind }),
    ...(sinceMs === null ? {} : { openedAt: { gte: new Date(sinceMs) } }),
    ...(rule === null ? {} : { ruleId: rule === 'built_in' ? null : rule }),
    ...(text.trim() === ''
      ? {}
      : {
          OR: [
            { title: contains },
            { message: contains },
            { device: { name: contains } },
            { customer: { name: contains } },
          ],
        }),
  };
}

function inState(state: AlertListState, now: Date): Prisma.AlertWhereInput {
  const awake = { OR: [{ snoozedUntil: null }, { snoozedUntil: { lte: now } }] };
  switch (state) {
    case 'open':
      return { resolvedAt: null, acknowledgedAt: null, AND: [awake] };
    case 'acknowledged':
      return { resolvedAt: null, acknowledgedAt: { not: null }, AND: [awake] };
    case 'snoozed':
      return { resolvedAt: null, snoozedUntil: { gt: now } };
    case 'resolved':
      return { resolvedAt: { not: null } };
    case 'any':
      return {};
  }
}

function stateOf(alert: NamedAlert, nowMs: number): AlertState {
  if (alert.resolvedAt !== null) return 'resolved';
  if ((alert.snoozedUntil?.getTime() ?? 0) > nowMs) return 'snoozed';
  return alert.acknowledgedAt === null ? 'open' : 'acknowledged';
}

function toRow(alert: NamedAlert, nowMs: number): AlertRow {
  return {
    id: alert.id,
    deviceId: alert.deviceId,
    kind: alert.kind,
    title: alert.title,
    message: alert.message,
    openedMs: alert.openedAt.getTime(),
    severity: alert.severity as Severity, // held by a CHECK constraint, as the resolution is
    customerId: alert.customerId,
    customerName: alert.customer.name,
    timeZone: alert.customer.timezone,
    deviceName: alert.device?.name ?? null,
    ruleName: alert.rule?.name ?? null,
    state: stateOf(alert, nowMs),
    resolvedMs: alert.resolvedAt?.getTime() ?? null,
    resolution: alert.resolution as Resolution | null,
    ownerName: alert.owner?.name ?? (alert.ownerId === null ? null : UNSEEN),
    reopenings: alert.reopenings,
  };
}

/** One alert with its history. @throws HoldfastError not_found. */
export async function viewAlert(services: Services, scope: Scope, alertId: string): Promise<AlertDetail> {
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const alert = await tx.alert.findFirst({ where: { tenantId, id: alertId }, include: WITH_NAMES });
    if (alert === null) throw new HoldfastError('not_found', 'There is no such alert.');
    const isStaff = scope.customerId === null;
    const first = alert.episodeId ?? alert.id;
    const episode = await tx.alert.findMany({
      where: { tenantId, OR: [{ id: first }, { episodeId: first }] },
      select: { id: true, openedAt: true, resolvedAt: true },
      orderBy: { openedAt: 'desc' },
      take: 50,
    });
    return {
      nowMs,
      alert: {
        ...toRow(alert, nowMs),
        kind: alert.kind as AlertKind,
        policyName: alert.policy?.name ?? null,
        acknowledgedMs: alert.acknowledgedAt?.getTime() ?? null,
        ownerId: alert.ownerId,
      },
      tickets: isStaff ? ((await loadTickets(tx, tenantId, [alert], { isOpenOnly: false })).get(alertId) ?? []) : [],
      steps: await loadSteps(tx, tenantId, alertId, isStaff),
      episode: episode.map(({ id, openedAt, resolvedAt }) => ({
        id,
        openedMs: openedAt.getTime(),
        resolvedMs: resolvedAt?.getTime() ?? null,
      })),
      staff: isStaff ? await listStaff(tx, tenantId) : [],
      mayAct: isStaff,
      mayApprove: scope.role === 'owner',
    };
  });
}

/** What staff say to one another is theirs; why something was excused or accepted is told to the customer. */
async function loadSteps(tx: Tx, tenantId: string, alertId: string, isStaff: boolean): Promise<AlertStep[]> {
  const events = await tx.alertEvent.findMany({
    where: { tenantId, alertId },
    orderBy: { txid: 'asc' },
    include: { actor: { select: { name: true } } },
    take: 500,
  });
  // What one transaction did to an alert comes in the order in which it is done: first excused, then over.
  const rank = ({ kind }: { readonly kind: string }): number => ALERT_EVENTS.indexOf(kind as AlertEventKind);
  events.sort((a, b) => Number(a.txid - b.txid) || rank(a) - rank(b));
  return events.map(({ id, at, kind, actor, actorId, data }) => {
    const said = data as { note?: string; reason?: string; owner?: string | null; until?: string; severity?: string };
    return {
      id,
      atMs: at.getTime(),
      kind: kind as AlertEventKind, // held by a CHECK constraint
      who: actor?.name ?? (actorId === null ? null : UNSEEN),
      note: isStaff || kind === 'excused' || kind === 'resolved' ? (said.note ?? said.reason ?? null) : null,
      detail:
        kind === 'assigned'
          ? isStaff
            ? (said.owner ?? null)
            : UNSEEN
          : kind === 'snoozed'
            ? (said.until ?? null)
            : null,
    };
  });
}
