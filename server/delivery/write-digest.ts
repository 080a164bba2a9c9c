import { DIGEST_WORDS } from './digest-words.ts';
import type { NotificationEvent } from '../../core/domain/delivery/notification.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import type { ChannelRow } from './load-waiting.ts';

const DAY_MS = 86_400_000;
const NAMED_MAX = 15;

/** The day in one message: what is open, how the backups and the restore tests of a day went, and when the next one comes. */
export async function writeDigest(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  channel: ChannelRow,
  { sequence, nextMs, timeZone }: { sequence: number; nextMs: number; timeZone: string },
): Promise<NotificationEvent> {
  const { tenantId, customerId } = channel;
  const nowMs = services.clock.nowMs();
  const since = new Date(nowMs - DAY_MS);
  const own = { tenantId, ...(customerId === null ? {} : { customerId }) };
  const alerts = await tx.alert.findMany({
    where: { ...own, resolvedAt: null },
    orderBy: { openedAt: 'asc' },
    take: NAMED_MAX,
    include: { device: { select: { name: true } }, customer: { select: { name: true } } },
  });
  const open = await tx.alert.count({ where: { ...own, resolvedAt: null } });
  const outcomes = await tx.expectedOccurrence.groupBy({
    by: ['outcome'],
    where: { ...own, outcome: { not: null }, resolvedAt: { gt: since } },
    _count: { _all: true },
  });
  const drills = await tx.drill.groupBy({
    by: ['state'],
    where: { ...own, state: { in: ['passed', 'failed'] }, finishedAt: { gt: since } },
    _count: { _all: true },
  });
  const devices = await tx.device.count({ where: { ...own, revokedAt: null } });
  const text = DIGEST_WORDS.text({
    sequence,
    nextMs,
    timeZone,
    devices,
    open,
    alerts: alerts.map((one) => ({
      title: one.title,
      subject: one.device?.name ?? one.customer.name,
      customer: one.customer.name,
      sinceMs: one.openedAt.getTime(),
    })),
    backups: outcomes.map(({ outcome, _count }) => ({ outcome: outcome ?? '', count: _count._all })),
    drills: drills.map(({ state, _count }) => ({ state, count: _count._all })),
  });
  return {
    tenantId,
    customerId,
    sourceKey: `digest:${channel.id}:${sequence}`,
    subjectKey: `digest:${channel.id}:${sequence}`,
    transition: 'digest',
    severity: 'info',
    kind: 'digest',
    subjectName: '',
    title: DIGEST_WORDS.title(sequence, open),
    message: text,
    path: '/',
    atMs: nowMs,
  };
}
