/** What each customer would be billed if its month closed now. Reads alone: neither a measurement nor a month is written. */
import { type BillingPreview, type DeviceBytes, previewBilling } from '../../core/domain/billing-preview.ts';
import { dayOf, daysOfMonth, dayWindow, monthWindow } from '../../core/domain/calendar.ts';
import { laterMeasurement, type UsageDay, usageOfMonth } from '../../core/domain/usage.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { UsageMonth } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { lookAtUsage } from './measure-usage.ts';

/** A device that was added within this time may well be at its first backup. */
const FIRST_BACKUP_MS = 24 * 3_600_000;

export interface CustomerPreview extends BillingPreview {
  readonly timeZone: string;
  /** Devices that came or went, and what each holds now and held then: the rows behind the sentences. */
  readonly devices: readonly DeviceBytes[];
}

interface Due {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly quotaBytes: number | null;
  readonly closed: UsageMonth | null;
  readonly month: string;
  readonly figures: ReturnType<typeof usageOfMonth>;
}

/**
 * By name; customers that were never measured and have no device are left out. The month is the oldest that is not written down: the
 * present one, or on its first day the one before. Staff.
 */
export async function previewClose(
  services: Pick<Services, 'db' | 'clock'>,
  scope: Scope,
  filter: { readonly customerId?: string } = {},
): Promise<CustomerPreview[]> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const due = await loadDue(tx, tenantId, nowMs, filter.customerId);
    const devices = await loadDevices(tx, tenantId, due, nowMs);
    return due
      .map((one) => preview(one, devices.get(one.id) ?? [], nowMs))
      .sort((a, b) => a.customer.localeCompare(b.customer, 'en'));
  });
}

/** What a month would be written down as: its days, with a measurement of this instant among them. */
async function loadDue(tx: Tx, tenantId: string, nowMs: number, customerId: string | undefined): Promise<Due[]> {
  const mine = customerId === undefined ? { tenantId } : { tenantId, customerId };
  const customers = await tx.customer.findMany({
    where: customerId === undefined ? { tenantId } : { tenantId, id: customerId },
    select: { id: true, name: true, timezone: true, quotaBytes: true },
  });
  const closed = new Map(
    (await tx.usageMonth.findMany({ where: mine, orderBy: { month: 'desc' }, distinct: ['customerId'] })).map((row) => [
      row.customerId,
      row,
    ]),
  );
  const looked = new Map((await lookAtUsage(tx, tenantId, new Date(nowMs))).map((one) => [one.customerId, one]));
  const open = await tx.$queryRaw<(UsageDay & { readonly customerId: string })[]>`
    SELECT u.customer_id AS "customerId", u.day, u.protected_bytes AS "protectedBytes", u.stored_bytes AS "storedBytes", u.devices, u.drills
    FROM usage_day u WHERE u.tenant_id = ${tenantId}::uuid
      AND (${customerId ?? null}::uuid IS NULL OR u.customer_id = ${customerId ?? null}::uuid)
      AND NOT EXISTS (SELECT FROM usage_month m WHERE m.tenant_id = u.tenant_id AND m.customer_id = u.customer_id
        AND m.month = left(u.day, 7))`;
  const daysOf = Map.groupBy(open, (row) => row.customerId);
  return customers.flatMap(({ id, name, timezone, quotaBytes }): Due[] => {
    const measured = daysOf.get(id) ?? [];
    const now = looked.get(id);
    const month = measured
      .reduce((oldest, { day }) => (day < oldest ? day : oldest), dayOf(nowMs, timezone))
      .slice(0, 7);
    const before = closed.get(id) ?? null;
    if (before === null && measured.length === 0 && (now?.devices ?? 0) === 0) return [];
    const days = new Map(measured.filter(({ day }) => day.startsWith(month)).map((one) => [one.day, one as UsageDay]));
    if (now !== undefined && now.day.startsWith(month))
      days.set(now.day, laterMeasurement(days.get(now.day) ?? null, now));
    return [
      {
        ...{ id, name, timeZone: timezone, closed: before, month },
        quotaBytes: quotaBytes === null ? null : Number(quotaBytes),
        figures: usageOfMonth([...days.values()]),
      },
    ];
  });
}

interface DeviceRow {
  readonly customerId: string;
  readonly name: string;
  readonly enrolledAt: Date;
  readonly revokedAt: Date | null;
  readonly beforeBytes: number | null;
  readonly nowBytes: number | null;
  readonly storedBytes: number;
  readonly hasPoint: boolean;
}

/** Every device that counts, or counted, in one of the two months. A point that has expired since was usable then. */
async function loadDevices(
  tx: Tx,
  tenantId: string,
  due: readonly Due[],
  nowMs: number,
): Promise<ReadonlyMap<string, DeviceRow[]>> {
  const [from, to] = [due.map((one) => bytesFrom(one)), due.map((one) => bytesTo(one, nowMs))];
  const rows = await tx.$queryRaw<DeviceRow[]>`
    WITH due AS (SELECT * FROM unnest(${due.map(({ id }) => id)}::uuid[], ${from}::timestamptz[], ${to}::timestamptz[],
        ${due.map(({ closed, timeZone }) => new Date(closed === null ? 0 : monthWindow(closed.month, timeZone).startMs))}::timestamptz[])
      AS w (customer_id, from_at, to_at, since)),
    held AS (
      SELECT s.device_id, sum(b.bytes)::float8 AS before, sum(n.bytes)::float8 AS now, sum(coalesce(x.bytes, 0))::float8 AS stored
      FROM due w JOIN source s ON s.tenant_id = ${tenantId}::uuid AND s.customer_id = w.customer_id
      LEFT JOIN LATERAL (SELECT p.bytes FROM restore_point p WHERE p.tenant_id = s.tenant_id AND p.source_id = s.id
        AND (p.is_usable OR p.state = 'expired') AND p.capture_at <= w.from_at ORDER BY p.capture_at DESC LIMIT 1) b ON true
      LEFT JOIN LATERAL (SELECT p.bytes FROM restore_point p WHERE p.tenant_id = s.tenant_id AND p.source_id = s.id
        AND (p.is_usable OR p.state = 'expired') AND p.capture_at <= w.to_at ORDER BY p.capture_at DESC LIMIT 1) n ON true
      LEFT JOIN LATERAL (SELECT sum(p.stored_bytes) AS bytes FROM restore_point p WHERE p.tenant_id = s.tenant_id
        AND p.source_id = s.id AND p.capture_at > w.from_at AND p.capture_at <= w.to_at) x ON true
      GROUP BY s.device_id)
    SELECT d.customer_id AS "customerId", d.name, d.enrolled_at AS "enrolledAt", d.revoked_at AS "revokedAt",
      CASE WHEN d.enrolled_at <= w.from_at AND (d.revoked_at IS NULL OR d.revoked_at > w.from_at) THEN coalesce(h.before, 0) END AS "beforeBytes",
      CASE WHEN d.enrolled_at <= w.to_at AND (d.revoked_at IS NULL OR d.revoked_at > w.to_at) THEN coalesce(h.now, 0) END AS "nowBytes",
      coalesce(h.stored, 0) AS "storedBytes", EXISTS (SELECT FROM source s JOIN restore_point p ON p.tenant_id = s.tenant_id
        AND p.source_id = s.id AND p.is_usable WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id) AS "hasPoint"
    FROM due w JOIN device d ON d.tenant_id = ${tenantId}::uuid AND d.customer_id = w.customer_id
      AND (d.revoked_at IS NULL OR d.revoked_at > w.since)
    LEFT JOIN held h ON h.device_id = d.id
    ORDER BY d.name, d.id`;
  return Map.groupBy(rows, ({ customerId }) => customerId);
}

function bytesFrom({ closed, timeZone }: Due): Date {
  return closed === null ? new Date(0) : endOf(closed.protectedOn ?? `${closed.month}-01`, timeZone);
}

function bytesTo({ figures, timeZone }: Due, nowMs: number): Date {
  return figures.protectedOn === null ? new Date(nowMs) : earliest(endOf(figures.protectedOn, timeZone), nowMs);
}

function endOf(day: string, timeZone: string): Date {
  return new Date(dayWindow(day, timeZone).endMs);
}

function earliest(at: Date, nowMs: number): Date {
  return at.getTime() < nowMs ? at : new Date(nowMs);
}

function preview(due: Due, devices: readonly DeviceRow[], nowMs: number): CustomerPreview {
  const { id, name, timeZone, closed, month, figures, quotaBytes } = due;
  const days = daysOfMonth(month);
  const today = dayOf(nowMs, timeZone);
  const fromMs = closed === null ? 0 : endOf(closed.devicesOn ?? `${closed.month}-01`, timeZone).getTime();
  const toMs = figures.devicesOn === null ? nowMs : earliest(endOf(figures.devicesOn, timeZone), nowMs).getTime();
  const namesOf = (of: (device: DeviceRow) => boolean): string[] => devices.filter(of).map((device) => device.name);
  const isIn = (at: Date | null): boolean => at !== null && at.getTime() > fromMs && at.getTime() <= toMs;
  const view = previewBilling({
    ...{ customerId: id, customer: name, quotaBytes },
    closed: closed === null ? null : { month: closed.month, figures: closed },
    proposed: { month, figures },
    daysBegun: days.filter((day) => day <= today).length,
    daysInMonth: days.length,
    // Who came and went between the two days was in neither count.
    added: namesOf(({ enrolledAt, revokedAt }) => isIn(enrolledAt) && !isIn(revokedAt)),
    removed: namesOf(({ enrolledAt, revokedAt }) => isIn(revokedAt) && !isIn(enrolledAt)),
    removedLater: namesOf(
      ({ enrolledAt, revokedAt }) => revokedAt !== null && revokedAt.getTime() > toMs && enrolledAt.getTime() <= toMs,
    ),
    devices,
    unprotected: namesOf(
      ({ revokedAt, enrolledAt, hasPoint }) =>
        revokedAt === null && !hasPoint && nowMs - enrolledAt.getTime() > FIRST_BACKUP_MS,
    ),
  });
  return { ...view, timeZone, devices };
}
