/** From a channel's row to the program that sends through it: the message is composed, the secrets are opened, it goes out. */
import type { SendOutcome } from '../../core/domain/delivery/attempts.ts';
import {
  CHANNEL_SETTINGS,
  type ChannelKind,
  type DeskKind,
  isChannelKind,
} from '../../core/domain/delivery/channel-kinds.ts';
import type { Severity, Transition } from '../../core/domain/delivery/notification.ts';
import type { WaitingDelivery } from '../../core/domain/delivery/plan-messages.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openChannelSecret } from './channel-secrets.ts';
import { composeMail } from './channels/compose-mail.ts';
import type { OutgoingMessage, ToldNotification } from './channels/message.ts';
import { sendSlack, sendTeams } from './channels/send-chat.ts';
import { sendMail } from './channels/send-mail.ts';
import { sendPagerDuty } from './channels/send-pagerduty.ts';
import { sendWebhook } from './channels/send-webhook.ts';
import type { ChannelRow } from './load-waiting.ts';
import { loadMailWay } from './mail-identity.ts';
import { pingOnce } from './ping-monitor.ts';
import { callerOf, extraCertificates } from './outbound/call.ts';
import { outboundRules } from './outbound/find-target.ts';
import { leaderOf } from './record-deliveries.ts';
import { autotaskDesk } from './tickets/autotask.ts';
import { connectWiseDesk } from './tickets/connectwise.ts';
import { haloDesk } from './tickets/halopsa.ts';
import { sendTicket } from './tickets/send-ticket.ts';
import type { ServiceDesk } from './tickets/service-desk.ts';
import { ticketMemory } from './tickets/ticket-memory.ts';

export async function composeMessage(
  services: Pick<Services, 'env' | 'clock'>,
  tx: Tx,
  channel: Pick<ChannelRow, 'tenantId' | 'id'>,
  deliveries: readonly WaitingDelivery[],
): Promise<OutgoingMessage> {
  const { tenantId } = channel;
  const rows = await tx.notificationDelivery.findMany({
    where: { tenantId, id: { in: deliveries.map(({ id }) => id) } },
  });
  const notifications = await tx.notification.findMany({
    where: { tenantId, id: { in: rows.map(({ notificationId }) => notificationId) } },
    orderBy: [{ at: 'asc' }, { id: 'asc' }],
    include: { customer: { select: { name: true } } },
  });
  const told = notifications.map(
    (one): ToldNotification => ({
      id: one.id,
      subjectKey: one.subjectKey,
      transition: one.transition as Transition, // these two are held by CHECK constraints
      severity: one.severity as Severity,
      kind: one.kind,
      customerId: one.customerId,
      customerName: one.customer?.name ?? null,
      subjectName: one.subjectName,
      title: one.title,
      message: one.message,
      path: one.path,
      atMs: one.at.getTime(),
    }),
  );
  const [first, ...others] = told;
  if (first === undefined) throw new HoldfastError('internal', 'What was to be told is not there any more.');
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const leader = rows.find(({ id }) => id === leaderOf(deliveries).id);
  return {
    key: leader?.messageKey ?? `msg_${leaderOf(deliveries).id}`,
    channelId: channel.id,
    told: [first, ...others],
    providerName: tenant.name,
    portalUrl: services.env.NEXTAUTH_URL?.replace(/\/+$/, ''),
    sentMs: services.clock.nowMs(),
  };
}

export async function sendThrough(
  services: Services,
  claim: Claim,
  channel: ChannelRow,
  message: OutgoingMessage,
): Promise<SendOutcome> {
  const { kind } = channel;
  if (!isChannelKind(kind)) throw new HoldfastError('internal', 'This kind of channel is not known.');
  const tools = { caller: callerOf(services.env), nowMs: services.clock.nowMs() };
  switch (kind) {
    case 'email':
      return await sendByMail(services, claim, channel, message);
    case 'webhook': {
      const { url } = CHANNEL_SETTINGS.webhook.parse(channel.settings);
      const secrets = await signingSecrets(services, claim, channel);
      return await sendWebhook(message, { url, secrets }, tools);
    }
    case 'slack':
      return await sendSlack(message, (await secretsOf(services, claim, channel, 'slack')).url, tools);
    case 'teams':
      return await sendTeams(message, (await secretsOf(services, claim, channel, 'teams')).url, tools);
    case 'pagerduty': {
      const { url } = CHANNEL_SETTINGS.pagerduty.parse(channel.settings);
      const { routingKey } = await secretsOf(services, claim, channel, 'pagerduty');
      return await sendPagerDuty(message, { url, routingKey }, tools);
    }
    case 'dead_man':
      return await pingOnce(tools.caller, (await secretsOf(services, claim, channel, 'dead_man')).url, tools.nowMs);
    default:
      return await sendByDesk(services, claim, channel, kind, message);
  }
}

async function sendByMail(
  services: Services,
  claim: Claim,
  channel: ChannelRow,
  message: OutgoingMessage,
): Promise<SendOutcome> {
  const { to } = CHANNEL_SETTINGS.email.parse(channel.settings);
  const way = await withScope(services, claim.scope, async (tx) => await loadMailWay(services, tx, channel.tenantId));
  const rules = { ...outboundRules(services.env), ca: extraCertificates(services.env), isOperators: way.isOperators };
  return await sendMail(composeMail(message, to, way.identity), way.server, rules);
}

async function sendByDesk(
  services: Services,
  claim: Claim,
  channel: ChannelRow,
  kind: DeskKind,
  message: OutgoingMessage,
): Promise<SendOutcome> {
  const caller = callerOf(services.env);
  const settings = CHANNEL_SETTINGS[kind].parse(channel.settings);
  const { desk, secrets } = await openDesk();
  return await sendTicket(message, {
    desk,
    secrets,
    memory: ticketMemory(services, claim, channel.id),
    nowMs: services.clock.nowMs(),
    companyOf: (customerId) =>
      (customerId === null ? undefined : settings.companies[customerId]) ?? settings.defaultCompany,
  });

  async function openDesk(): Promise<{ desk: ServiceDesk; secrets: string[] }> {
    switch (kind) {
      case 'connectwise': {
        const opened = await secretsOf(services, claim, channel, kind);
        const known = CHANNEL_SETTINGS.connectwise.parse(channel.settings);
        return { desk: connectWiseDesk(known, opened, caller), secrets: Object.values(opened) };
      }
      case 'autotask': {
        const opened = await secretsOf(services, claim, channel, kind);
        const known = CHANNEL_SETTINGS.autotask.parse(channel.settings);
        return { desk: autotaskDesk(known, opened, caller), secrets: Object.values(opened) };
      }
      case 'halopsa': {
        const opened = await secretsOf(services, claim, channel, kind);
        const known = CHANNEL_SETTINGS.halopsa.parse(channel.settings);
        return { desk: haloDesk(known, opened, caller), secrets: Object.values(opened) };
      }
    }
  }
}

async function secretsOf<K extends ChannelKind>(services: Services, claim: Claim, channel: ChannelRow, kind: K) {
  const { tenantId, id, secretSealed } = channel;
  if (secretSealed === null)
    throw new HoldfastError('bad_request', 'The secret of this channel is missing. Enter it again in its settings.');
  const place = { tenantId, id, kind, column: 'secret_sealed' } as const;
  return await withScope(
    services,
    claim.scope,
    async (tx) => await openChannelSecret(services, tx, place, secretSealed),
  );
}

/** The one that is valid, and for a day after a rotation the one before it. */
async function signingSecrets(services: Services, claim: Claim, channel: ChannelRow): Promise<string[]> {
  const { signingSecret } = await secretsOf(services, claim, channel, 'webhook');
  const { tenantId, id, oldSecretSealed, oldSecretUntil } = channel;
  if (oldSecretSealed === null || oldSecretUntil === null) return [signingSecret];
  if (oldSecretUntil.getTime() <= services.clock.nowMs()) return [signingSecret];
  const place = { tenantId, id, kind: 'webhook', column: 'old_secret_sealed' } as const;
  const old = await withScope(
    services,
    claim.scope,
    async (tx) => await openChannelSecret(services, tx, place, oldSecretSealed),
  );
  return [signingSecret, old.signingSecret];
}
