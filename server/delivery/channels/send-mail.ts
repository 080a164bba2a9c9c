/**
 * Mail through a provider's own server or the operator's: to the pinned address, over TLS unless the server is this machine,
 * and with an answer to the question that decides about a second try: may the first have arrived?
 */
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { createTransport } from 'nodemailer';
import type { SendMailOptions } from 'nodemailer';
import { HoldfastError, isHoldfastError } from '../../../core/base/errors.ts';
import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import { findTarget, type OutboundRules, type Target } from '../outbound/find-target.ts';
import { scrubAnswer } from '../outbound/scrub.ts';

const CONNECT_MS = 10_000;
const SOCKET_MS = 30_000;

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else by STARTTLS. Unsaid, port 465 decides. */
  readonly isSecure?: boolean | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface MailRules extends OutboundRules {
  /** Certificates that are trusted beside those of Node. */
  readonly ca?: string | undefined;
  /** The operator's own server may lie in the operator's network; one that a person typed may not. */
  readonly isOperators: boolean;
}

/** One mail to one or more recipients. Never throws for what the other side does. */
export async function sendMail(mail: SendMailOptions, server: MailServer, rules: MailRules): Promise<SendOutcome> {
  let target: Target;
  try {
    target = rules.isOperators
      ? await operatorsTarget(server, rules)
      : await findTarget(server.host, server.port, rules);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const state = isHoldfastError(error, 'bad_request') ? 'rejected' : 'refused';
    return { state, reason: error.message, response: '' };
  }
  const secrets = [server.password ?? ''];
  let isHandedOver = false;
  const transport = createTransport({
    ...transportOptions(server, target, rules.ca),
    logger: loggerThatSees(() => {
      isHandedOver = true;
    }),
  });
  try {
    const info = await transport.sendMail({ ...mail, disableFileAccess: true, disableUrlAccess: true });
    const refused = info.rejected.map(String);
    const note = refused.length === 0 ? '' : ` Not accepted for ${refused.join(', ')}.`;
    return { state: 'sent', response: scrubAnswer(`${info.response}.${note}`, secrets), reference: info.messageId };
  } catch (error) {
    return outcomeOf(error as SmtpError, isHandedOver, secrets);
  } finally {
    transport.close();
  }
}

/** An operator's relay is trusted by its name; everything else is as for others. */
async function operatorsTarget({ host, port }: MailServer, { resolve }: MailRules): Promise<Target> {
  const addresses = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  const [address] = addresses;
  if (address === undefined)
    throw new HoldfastError('storage_unavailable', `The mail server ${host} was not found by its name.`);
  return {
    hostname: host,
    address,
    port,
    isLoopback: addresses.every((one) => one === '::1' || one.startsWith('127.')),
  };
}

/** TLS from the first byte on port 465, else by STARTTLS, which is never left out but towards this machine itself. */
export function transportOptions(server: MailServer, target: Target, ca: string | undefined) {
  const isSecure = server.isSecure ?? target.port === 465;
  return {
    host: target.address,
    port: target.port,
    secure: isSecure,
    requireTLS: !isSecure && !target.isLoopback,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_MS,
    tls: {
      minVersion: 'TLSv1.2' as const,
      // This machine's own certificate is checked where somebody has said what to check it with.
      rejectUnauthorized: !target.isLoopback || ca !== undefined,
      ...(isIP(target.hostname) === 0 ? { servername: target.hostname } : {}),
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    },
    ...(server.username === undefined || server.username === ''
      ? {}
      : { auth: { user: server.username, pass: server.password ?? '' } }),
  };
}

/** nodemailer says in its log when the last byte of the message has been handed over; nothing of it is kept. */
function loggerThatSees(handedOver: () => void) {
  const nothing = (): void => undefined;
  const look = (entry: unknown): void => {
    if (typeof entry === 'object' && entry !== null && 'inByteCount' in entry) handedOver();
  };
  return { level: nothing, trace: look, debug: look, info: look, warn: nothing, error: nothing, fatal: nothing };
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

function outcomeOf(error: SmtpError, isHandedOver: boolean, secrets: readonly string[]): SendOutcome {
  const response = scrubAnswer(error.response ?? error.message, secrets);
  const { responseCode } = error;
  if (responseCode !== undefined && responseCode >= 500) {
    const what =
      error.code === 'EAUTH'
        ? 'The mail server did not accept the user name or the password'
        : 'The mail server refused this mail for good';
    return { state: 'rejected', reason: `${what} (${responseCode}).`, response };
  }
  if (responseCode !== undefined && responseCode >= 400)
    return { state: 'refused', reason: `The mail server asks to try again later (${responseCode}).`, response };
  if (isHandedOver)
    return {
      state: 'unknown',
      reason: 'The connection ended after the mail was handed over and before the server said that it took it.',
      response,
    };
  return { state: 'refused', reason: connectionWords(error), response };
}

function connectionWords({ code, message }: SmtpError): string {
  if (code === 'ETLS' || /certificate|self.signed|altname/i.test(message))
    return 'The mail server offers no encrypted connection that can be trusted.';
  if (code === 'ETIMEDOUT') return 'The mail server did not answer in time.';
  if (code === 'EDNS') return 'The mail server was not found by its name.';
  return 'The connection to the mail server failed or ended early.';
}
