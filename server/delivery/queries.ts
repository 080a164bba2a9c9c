import { HoldfastError } from '../../core/base/errors.ts';
import { type ChannelKind, isChannelKind } from '../../core/domain/delivery/channel-kinds.ts';
import type { Severity, Transition } from '../../core/domain/delivery/notification.ts';
import { channelRouting } from '../../core/domain/delivery/routing.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import type { ChannelRow } from './load-waiting.ts';
import { operatorsMail } from './mail-identity.ts';
import { findChannel, ownedBy } from './save-channel.ts';
import type {
  ChannelState,
  ChannelSummary,
  ChannelView,
  DeliveryLogView,
  DeliveryView,
  MailSenderView,
  NotificationsView,
} from './view.ts';

export const LOG_ROWS = 50;
const RECENT_ROWS = 10;
const WEEK_MS = 7 * 86_400_000;
const CUSTOMERS_MAX = 2_000;

type NamedChannel = ChannelRow & { readonly customer: { readonly name: string } | null };

function requireReader(scope: Scope): void {
  requireRole(scope, 'owner', 'technician', 'customer_viewer');
}

/** Every channel inside the scope, with how it does. */
export async function viewNotifications(services: Services, scope: Scope): Promise<NotificationsView> {
  requireReader(scope);
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const channels = await tx.notificationChannel.findMany({
      where: { tenantId: scope.tenantId, removedAt: null, ...ownedBy(scope) },
      include: { customer: { select: { name: true } } },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    });
    const counts = await countWeek(tx, scope, nowMs);
    return {
      nowMs,
      channels: channels.flatMap((channel) => summaryOf(channel, counts, nowMs)),
      customers: await listCustomers(tx, scope),
      canChange: scope.role !== 'technician',
      canMail: await hasMailServer(services, tx, scope),
      isCustomer: scope.customerId !== null,
    };
  });
}

/** @throws HoldfastError not_found. */
export async function viewChannel(services: Services, scope: Scope, id: string): Promise<ChannelView> {
  requireReader(scope);
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    await findChannel(tx, scope, id);
    const channel = await tx.notificationChannel.findFirstOrThrow({
      where: { tenantId: scope.tenantId, id },
      include: { customer: { select: { name: true } } },
    });
    const [summary] = summaryOf(channel, await countWeek(tx, scope, nowMs), nowMs);
    if (summary === undefined) throw new HoldfastError('not_found', 'There is no such channel.');
    const until = channel.oldSecretUntil?.getTime() ?? 0;
    return {
      ...summary,
      version: channel.version,
      settings: channel.settings as Readonly<Record<string, unknown>>, // written from the kind's own schema
      hasSecret: channel.secretSealed !== null,
      oldSecretUntilMs: until > nowMs ? until : null,
      deliveries: (await listDeliveries(tx, scope, { channelId: id }, 1, RECENT_ROWS)).rows,
    };
  });
}

export interface DeliveryFilter {
  readonly channelId?: string | null;
  readonly state?: string | null;
  readonly text?: string;
}

export async function viewDeliveryLog(
  services: Services,
  scope: Scope,
  filter: DeliveryFilter,
  page: number,
): Promise<DeliveryLogView> {
  requireReader(scope);
  return await withScope(services, scope, async (tx) => ({
    nowMs: services.clock.nowMs(),
    ...(await listDeliveries(tx, scope, filter, page, LOG_ROWS)),
    channels: await tx.notificationChannel.findMany({
      where: { tenantId: scope.tenantId, ...ownedBy(scope) },
      select: { id: true, name: true },
      orderBy: { name: 'asc' },
    }),
  }));
}

/** One delivery, for whoever waits for the answer of a test. @throws HoldfastError not_found. */
export async function viewDelivery(services: Services, scope: Scope, id: string): Promise<DeliveryView> {
  requireReader(scope);
  const { rows } = await withScope(services, scope, async (tx) => await listDeliveries(tx, scope, { id }, 1, 1));
  if (rows[0] === undefined) throw new HoldfastError('not_found', 'There is no such delivery.');
  return rows[0];
}

export async function viewMailSender(services: Services, scope: Scope): Promise<MailSenderView> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  const operators = operatorsMail(services.env);
  return await withScope(services, scope, async (tx) => {
    const sender = await tx.mailSender.findFirst({ where: { tenantId, id: tenantId } });
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    return {
      fromName: sender?.fromName ?? tenant.name,
      fromAddress: sender?.fromAddress ?? operators?.fromAddress ?? '',
      replyTo: sender?.replyTo ?? '',
      host: sender?.host ?? '',
      port: sender?.port ?? 587,
      username: sender?.username ?? '',
      hasPassword: sender?.passwordSealed != null,
      hasOwnServer: sender?.host != null,
      hasLogo: sender?.logo != null,
      operatorsAddress: operators?.fromAddress ?? null,
    };
  });
}

async function hasMailServer(services: Services, tx: Tx, scope: Scope): Promise<boolean> {
  if (services.env.HOLDFAST_SMTP_URL !== undefined) return true;
  const { tenantId } = scope;
  return (await tx.mailSender.count({ where: { tenantId, id: tenantId, host: { not: null } } })) > 0;
}

async function listCustomers(tx: Tx, scope: Scope): Promise<{ id: string; name: string }[]> {
  return await tx.customer.findMany({
    where: { tenantId: scope.tenantId },
    select: { id: true, name: true },
    orderBy: { name: 'asc' },
    take: CUSTOMERS_MAX,
  });
}

type Counts = ReadonlyMap<string, { readonly sent: number; readonly failed: number }>;

async function countWeek(tx: Tx, scope: Scope, nowMs: number): Promise<Counts> {
  const rows = await tx.notificationDelivery.groupBy({
    by: ['channelId', 'state'],
    where: {
      tenantId: scope.tenantId,
      ...ownedBy(scope),
      state: { in: ['sent', 'failed'] },
      createdAt: { gt: new Date(nowMs - WEEK_MS) },
    },
    _count: { _all: true },
  });
  const counts = new Map<string, { sent: number; failed: number }>();
  for (const { channelId, state, _count } of rows) {
    const count = counts.get(channelId) ?? { sent: 0, failed: 0 };
    count[state === 'sent' ? 'sent' : 'failed'] += _count._all;
    counts.set(channelId, count);
  }
  return counts;
}

function summaryOf(channel: NamedChannel, counts: Counts, nowMs: number): ChannelSummary[] {
  const { kind } = channel;
  if (!isChannelKind(kind)) return [];
  const { sent = 0, failed = 0 } = counts.get(channel.id) ?? {};
  return [
    {
      id: channel.id,
      kind,
      name: channel.name,
      place: placeOf(kind, channel.settings as Readonly<Record<string, unknown>>),
      customerName: channel.customer?.name ?? null,
      ...stateOf(channel, nowMs),
      lastSentMs: channel.lastSentAt?.getTime() ?? null,
      sentWeek: sent,
      failedWeek: failed,
      routing: channelRouting.parse(channel.routing),
      nextDigestMs: channel.disabledAt === null ? (channel.digestDueAt?.getTime() ?? null) : null,
    },
  ];
}

function stateOf(channel: ChannelRow, nowMs: number): { state: ChannelState; stateReason: string | null } {
  if (channel.disabledAt !== null) return { state: 'off', stateReason: channel.disabledReason };
  if (channel.brokenUntil !== null && channel.brokenUntil.getTime() > nowMs)
    return { state: 'resting', stateReason: channel.lastError };
  if (channel.failures > 0) return { state: 'failing', stateReason: channel.lastError };
  return { state: channel.lastSentAt === null ? 'unused' : 'works', stateReason: null };
}

/** Where a channel leads, as far as that is no secret. */
function placeOf(kind: ChannelKind, settings: Readonly<Record<string, unknown>>): string {
  const { to, url } = settings;
  if (kind === 'email' && Array.isArray(to))
    return to.length > 1 ? `${String(to[0])} and ${to.length - 1} more` : String(to[0]);
  if (typeof url === 'string' && URL.canParse(url)) return new URL(url).host;
  return kind === 'dead_man' ? `every ${String(settings['everyMinutes'])} minutes` : '';
}

async function listDeliveries(
  tx: Tx,
  scope: Scope,
  filter: DeliveryFilter & { readonly id?: string },
  page: number,
  rows: number,
): Promise<{ rows: DeliveryView[]; total: number }> {
  const { tenantId } = scope;
  const text = filter.text?.trim() ?? '';
  const found =
    text === ''
      ? undefined
      : await tx.notification.findMany({
          where: {
            tenantId,
            OR: ['title', 'subjectName', 'message'].map((field) => ({
              [field]: { contains: text, mode: 'insensitive' },
            })),
          },
          orderBy: { createdAt: 'desc' },
          select: { id: true },
          take: 5_000,
        });
  const where = {
    tenantId,
    ...ownedBy(scope),
    ...(filter.id === undefined ? {} : { id: filter.id }),
    ...(filter.channelId == null ? {} : { channelId: filter.channelId }),
    ...(filter.state == null ? {} : { state: filter.state }),
    ...(found === undefined ? {} : { notificationId: { in: found.map(({ id }) => id) } }),
  };
  const total = await tx.notificationDelivery.count({ where });
  const list = await tx.notificationDelivery.findMany({
    where,
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    skip: (page - 1) * rows,
    take: rows,
  });
  const told = await tx.notification.findMany({
    where: { tenantId, id: { in: list.map(({ notificationId }) => notificationId) } },
    include: { customer: { select: { name: true } } },
  });
  const channels = await tx.notificationChannel.findMany({
    where: { tenantId, id: { in: list.map(({ channelId }) => channelId) } },
    select: { id: true, name: true, disabledAt: true, removedAt: true },
  });
  const canChange = scope.role !== 'technician';
  return {
    total,
    rows: list.map((one): DeliveryView => {
      const notification = told.find(({ id }) => id === one.notificationId);
      const channel = channels.find(({ id }) => id === one.channelId);
      return {
        id: one.id,
        channelId: one.channelId,
        channelName: channel?.name ?? '',
        state: one.state as DeliveryView['state'], // these three are held by CHECK constraints
        transition: (notification?.transition ?? 'notice') as Transition,
        severity: (notification?.severity ?? 'info') as Severity,
        title: notification?.title ?? 'No longer kept',
        subjectName: notification?.subjectName ?? '',
        customerName: notification?.customer?.name ?? null,
        createdMs: one.createdAt.getTime(),
        dueMs: one.dueAt.getTime(),
        endedMs: one.endedAt?.getTime() ?? null,
        attempts: one.attempts,
        isGathered: one.sentIn !== null,
        isReplay: one.replayOf !== null,
        reason: one.reason,
        response: one.response,
        reference: one.reference,
        canReplay: canChange && one.endedAt !== null && channel?.disabledAt === null && channel.removedAt === null,
      };
    }),
  };
}
