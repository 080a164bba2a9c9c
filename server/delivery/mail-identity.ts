/** From whom a provider's mail comes and through which server: its own, or the operator's. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { Tx } from '../db/client.ts';
import type { ServerEnv } from '../env.ts';
import type { Services } from '../services.ts';
import type { MailIdentity } from './channels/compose-mail.ts';
import type { MailServer } from './channels/send-mail.ts';

export interface MailWay {
  readonly identity: MailIdentity;
  readonly server: MailServer;
  /** The operator's own server may lie in the operator's network. */
  readonly isOperators: boolean;
}

/** @throws HoldfastError bad_request when neither the provider nor the operator has named a mail server. */
export async function loadMailWay(
  services: Pick<Services, 'keys' | 'env'>,
  tx: Tx,
  tenantId: string,
): Promise<MailWay> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const sender = await tx.mailSender.findFirst({ where: { tenantId, id: tenantId } });
  const operators = operatorsMail(services.env);
  const fromAddress = sender?.fromAddress ?? operators?.fromAddress;
  const place = { table: 'mail_sender', row: tenantId, column: 'password_sealed' };
  const own =
    sender?.host == null || sender.port === null
      ? undefined
      : {
          host: sender.host,
          port: sender.port,
          username: sender.username ?? undefined,
          password:
            sender.passwordSealed === null
              ? undefined
              : services.keys.open(tenant, place, sender.passwordSealed).toString('utf8'),
        };
  const server = own ?? operators?.server;
  if (server === undefined || fromAddress === undefined)
    throw new HoldfastError(
      'bad_request',
      'No mail server is set up, so no mail can be sent. Enter one under Settings, Notifications, Mail.',
    );
  return {
    identity: {
      fromName: sender?.fromName ?? operators?.fromName ?? tenant.name,
      fromAddress,
      replyTo: sender?.replyTo ?? null,
      logo: sender?.logo ?? null,
    },
    server,
    isOperators: own === undefined,
  };
}

const FROM = /^\s*(?:"?([^"<>]*?)"?\s*<([^<>\s]+@[^<>\s]+)>|([^<>\s]+@[^<>\s]+))\s*$/;

/** @throws HoldfastError bad_request for settings that cannot be read; they are the operator's, and said without the password. */
export function operatorsMail(
  env: Pick<ServerEnv, 'HOLDFAST_SMTP_URL' | 'HOLDFAST_MAIL_FROM'>,
): { server: MailServer; fromAddress: string; fromName: string | undefined } | undefined {
  if (env.HOLDFAST_SMTP_URL === undefined) return undefined;
  const url = URL.canParse(env.HOLDFAST_SMTP_URL) ? new URL(env.HOLDFAST_SMTP_URL) : undefined;
  const from = FROM.exec(env.HOLDFAST_MAIL_FROM ?? '');
  const fromAddress = from?.[2] ?? from?.[3];
  if (url === undefined || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || fromAddress === undefined)
    throw new HoldfastError(
      'bad_request',
      'The mail settings of the service cannot be read: HOLDFAST_SMTP_URL is smtps://user:password@host:465 and HOLDFAST_MAIL_FROM is "Name <address>".',
    );
  const isSecure = url.protocol === 'smtps:';
  return {
    server: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isSecure ? 465 : 587) : Number(url.port),
      isSecure,
      username: url.username === '' ? undefined : decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
    },
    fromAddress,
    fromName: from?.[1]?.trim() || undefined,
  };
}
