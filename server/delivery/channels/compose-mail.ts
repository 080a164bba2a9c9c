import { createHash } from 'node:crypto';
import type { SendMailOptions } from 'nodemailer';
import type { OutgoingMessage } from './message.ts';
import { LOGO_CID, mailHtml } from './mail-html.ts';
import { headline, oneLine, plainText } from './words.ts';

export interface MailIdentity {
  readonly fromName: string;
  readonly fromAddress: string;
  readonly replyTo: string | null;
  /** PNG. */
  readonly logo: Uint8Array | null;
}

/**
 * The mail of a message: text and simple HTML. Its id is made of the message's key, so that a second copy is known as one; every
 * mail about one alert refers to the same root, which was never sent itself, and mail programs show one thread.
 */
export function composeMail(message: OutgoingMessage, to: readonly string[], from: MailIdentity): SendMailOptions {
  const domain = from.fromAddress.split('@')[1] ?? 'holdfast';
  const [first, ...others] = message.told;
  const isAlert = others.length === 0 && /^(?:alert|group):/.test(first.subjectKey);
  const root = `<hf.${digest(`${message.channelId}/${first.subjectKey}`)}@${domain}>`;
  return {
    from: { name: oneLine(from.fromName, 80), address: from.fromAddress },
    to: to.map((address) => ({ name: '', address })),
    ...(from.replyTo === null ? {} : { replyTo: from.replyTo }),
    subject: headline(message),
    text: plainText(message),
    html: mailHtml(message, from.logo !== null),
    messageId: `<hf.${digest(message.key)}@${domain}>`,
    date: new Date(message.sentMs),
    ...(isAlert ? { inReplyTo: root, references: [root] } : {}),
    list: { id: { url: `notifications.${domain}`, comment: oneLine(message.providerName, 60).replace(/["<>]/g, '') } },
    headers: {
      // No out-of-office answers, and no loops between machines.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    ...(from.logo === null
      ? {}
      : {
          attachments: [
            { cid: LOGO_CID, filename: 'logo.png', contentType: 'image/png', content: Buffer.from(from.logo) },
          ],
        }),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
