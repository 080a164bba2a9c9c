/** What alerts cost the people of a provider, by customer, and the items that it is counted from. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { AlertKind } from '../../core/domain/alerts/kinds.ts';
import {
  type AlertItem,
  alertItems,
  type CustomerTime,
  type TeamTime,
  teamTime,
} from '../../core/domain/alerts/team-time.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

const DAYS_MAX = 28;
const DAY_MS = 86_400_000;
/** The newest speak for a provider that has had more. */
const ALERTS_MAX = 100_000;
const ITEMS_SHOWN = 200;

/** Days since the first device of a provider, at most four weeks: what was before cost nobody anything. */
interface Window {
  readonly nowMs: number;
  readonly days: number;
}

export interface TeamTimeView extends Window {
  readonly time: Omit<TeamTime, 'customers'> & {
    readonly customers: readonly (CustomerTime & { readonly name: string })[];
  };
}

export interface CustomerTimeView extends Window {
  readonly customer: CustomerTime & { readonly name: string; readonly timeZone: string };
  /** The newest first, at most 200 of `customer.items`. */
  readonly items: readonly (AlertItem & { readonly title: string })[];
}

/** Every customer that has a device, the dearest first. Staff. */
export async function viewTeamTime(services: Services, scope: Scope): Promise<TeamTimeView> {
  requireStaff(scope);
  return await withScope(services, scope, async (tx) => await loadTeamTime(tx, scope.tenantId, services.clock.nowMs()));
}

/** As `viewTeamTime`, for a query that has a transaction. The caller has asked for staff. */
export async function loadTeamTime(tx: Tx, tenantId: string, nowMs: number): Promise<TeamTimeView> {
  const window = await windowOf(tx, tenantId, nowMs);
  const named = await tx.customer.findMany({
    where: { tenantId, devices: { some: { revokedAt: null } } },
    select: { id: true, name: true },
  });
  const names = new Map(named.map(({ id, name }) => [id, name]));
  const items = alertItems(await loadHandled(tx, tenantId, window, null), nowMs);
  const { customers, ...time } = teamTime(items, [...names.keys()], window.days);
  return {
    ...window,
    time: { ...time, customers: customers.map((one) => ({ ...one, name: names.get(one.customerId)! })) },
  };
}

/** Staff. @throws HoldfastError not_found, for a foreign customer exactly as for one that never was. */
export async function viewCustomerTime(
  services: Services,
  scope: Scope,
  customerId: string,
): Promise<CustomerTimeView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({
      where: { tenantId, id: customerId },
      select: { name: true, timezone: true },
    });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const window = await windowOf(tx, tenantId, nowMs);
    const handled = await loadHandled(tx, tenantId, window, customerId);
    const titles = new Map(handled.map(({ id, title }) => [id, title]));
    const items = alertItems(handled, nowMs);
    const [cost] = teamTime(items, [customerId], window.days).customers;
    return {
      ...window,
      customer: { ...cost!, name: customer.name, timeZone: customer.timezone },
      items: items
        .toReversed()
        .slice(0, ITEMS_SHOWN)
        .map((item) => ({ ...item, title: titles.get(item.alertIds[0]!)! })),
    };
  });
}

async function windowOf(tx: Tx, tenantId: string, nowMs: number): Promise<Window> {
  const first = await tx.device.aggregate({ where: { tenantId }, _min: { enrolledAt: true } });
  const known = (nowMs - (first._min.enrolledAt?.getTime() ?? nowMs)) / DAY_MS;
  return { nowMs, days: Math.min(DAYS_MAX, Math.max(1, Math.ceil(known))) };
}

interface HandledRow {
  readonly id: string;
  readonly customerId: string;
  readonly kind: AlertKind;
  readonly title: string;
  readonly openedMs: number;
  readonly resolvedMs: number | null;
  readonly touchedMs: number | null;
  readonly isReopened: boolean;
}

/** An acknowledgement that a row took over from the one before it in its episode is no touch of its own; switching a rule off is none. */
async function loadHandled(
  tx: Tx,
  tenantId: string,
  { nowMs, days }: Window,
  customerId: string | null,
): Promise<HandledRow[]> {
  return await tx.$queryRaw<HandledRow[]>`
    SELECT a.id, a.customer_id AS "customerId", a.kind, a.title, epoch_ms(a.opened_at) AS "openedMs",
      epoch_ms(a.resolved_at) AS "resolvedMs", a.reopenings > 0 AS "isReopened",
      epoch_ms(least(CASE WHEN a.acknowledged_at >= a.opened_at THEN a.acknowledged_at END, (
        SELECT min(e.at) FROM alert_event e WHERE e.tenant_id = a.tenant_id AND e.alert_id = a.id AND e.actor_id IS NOT NULL
          AND (e.kind IN ('acknowledged', 'assigned', 'snoozed', 'excused')
            OR (e.kind = 'resolved' AND a.resolution IN ('accepted', 'excused')))))) AS "touchedMs"
    FROM alert a
    WHERE a.tenant_id = ${tenantId}::uuid AND a.opened_at >= ${new Date(nowMs - days * DAY_MS)}
      AND (${customerId}::uuid IS NULL OR a.customer_id = ${customerId}::uuid)
    ORDER BY a.opened_at DESC LIMIT ${ALERTS_MAX}`;
}
