/** Mail to a real SMTP server in this process. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Certificate,
  headersOf,
  MAIL_PASSWORD,
  MAIL_USER,
  makeCertificate,
  type MailCatcher,
  startMailCatcher,
} from '../testing/mail-catcher.ts';
import { messageOf, toldOf } from '../testing/test-message.ts';
import { composeMail, type MailIdentity } from './compose-mail.ts';
import { sendMail, transportOptions } from './send-mail.ts';

const from: MailIdentity = {
  fromName: 'Northgate IT',
  fromAddress: 'backup@northgate.com',
  replyTo: 'help@northgate.com',
  logo: null,
};
const TO = ['anna@northgate.com', 'bo@northgate.com'];
let certificate: Certificate;
const catchers: MailCatcher[] = [];

beforeAll(() => {
  certificate = makeCertificate();
});
afterAll(() => certificate.remove());
afterEach(async () => {
  await Promise.all(catchers.splice(0).map(async (one) => await one.stop()));
});

async function start(options: Parameters<typeof startMailCatcher>[0] = {}): Promise<MailCatcher> {
  const catcher = await startMailCatcher(options);
  catchers.push(catcher);
  return catcher;
}
const rules = (more: object = {}) => ({
  allowsLoopback: true,
  resolve: async () => ['127.0.0.1'],
  isOperators: false,
  ...more,
});
const account = { username: MAIL_USER, password: MAIL_PASSWORD };
const mail = composeMail(messageOf(), TO, from);

describe('a mail', () => {
  test('goes out by STARTTLS with an account, to everybody, with text and HTML', async () => {
    const catcher = await start({ certificate, needsAccount: true });
    const server = { host: 'localhost', port: catcher.port, ...account };
    expect(await sendMail(mail, server, rules({ ca: certificate.cert }))).toMatchObject({ state: 'sent' });
    const [caught] = catcher.caught;
    expect(caught).toMatchObject({ from: 'backup@northgate.com', to: TO, isEncrypted: true, user: MAIL_USER });
    const headers = headersOf(caught!.text);
    expect(headers['subject']).toMatch(/The_machine_is_silent/);
    expect(headers['list-id']).toBe('"Northgate IT" <notifications.northgate.com>');
    expect(headers['auto-submitted']).toBe('auto-generated');
    expect(headers['content-type']).toMatch(/^multipart\/alternative/);
    expect(caught!.text).toMatch(/text\/plain/);
    expect(caught!.text).toMatch(/text\/html/);
  });
  test('is sent to no server whose certificate is not trusted, and not without TLS to one that is not this machine', async () => {
    const catcher = await start({ certificate });
    const other = makeCertificate();
    const outcome = await sendMail(mail, { host: 'localhost', port: catcher.port }, rules({ ca: other.cert }));
    other.remove();
    expect(outcome).toMatchObject({ state: 'refused', reason: expect.stringMatching(/trusted/) });
    expect(catcher.caught).toEqual([]);
    const target = { hostname: 'mail.northgate.com', address: '93.184.215.14', port: 587, isLoopback: false };
    expect(transportOptions({ host: target.hostname, port: 587 }, target, undefined)).toMatchObject({
      host: '93.184.215.14',
      requireTLS: true,
      tls: { servername: 'mail.northgate.com', rejectUnauthorized: true },
    });
  });
  test('is sent by TLS from the first byte where the operator says so', async () => {
    const catcher = await start({ certificate, secure: true });
    const server = { host: 'localhost', port: catcher.port, isSecure: true };
    expect(await sendMail(mail, server, rules({ ca: certificate.cert, isOperators: true }))).toMatchObject({
      state: 'sent',
    });
    expect(catcher.caught[0]?.isEncrypted).toBe(true);
  });
  test('that is greylisted is tried again later; one that is refused for good is not', async () => {
    const catcher = await start();
    const server = { host: '127.0.0.1', port: catcher.port };
    catcher.refuseRecipients(451);
    expect(await sendMail(mail, server, rules())).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('451'),
    });
    catcher.refuseRecipients(550);
    expect(await sendMail(mail, server, rules())).toMatchObject({
      state: 'rejected',
      reason: expect.stringContaining('550'),
    });
    catcher.refuseRecipients(undefined);
    catcher.behave(452);
    expect(await sendMail(mail, server, rules())).toMatchObject({ state: 'refused' });
    catcher.behave(554);
    expect(await sendMail(mail, server, rules())).toMatchObject({ state: 'rejected' });
    expect(catcher.caught).toEqual([]);
  });
  test('whose server hangs up after the data may have arrived; before it, it has not', async () => {
    const catcher = await start();
    catcher.behave('hang_up');
    const server = { host: '127.0.0.1', port: catcher.port };
    expect(await sendMail(mail, server, rules())).toMatchObject({ state: 'unknown' });
    expect(catcher.caught).toHaveLength(1);
    expect(await sendMail(mail, { host: '127.0.0.1', port: 1 }, rules())).toMatchObject({ state: 'refused' });
  });
  test('whose account is wrong says so, without the password', async () => {
    const catcher = await start({ certificate, needsAccount: true });
    const server = { host: 'localhost', port: catcher.port, username: MAIL_USER, password: 'wrong password' };
    const outcome = await sendMail(mail, server, rules({ ca: certificate.cert }));
    expect(outcome).toMatchObject({ state: 'rejected', reason: expect.stringMatching(/user name or the password/) });
    expect(JSON.stringify(outcome)).not.toContain('wrong password');
  });
  test('is sent to no server in a private network that a person typed', async () => {
    for (const host of ['10.0.0.5', '169.254.169.254', 'mail.internal'])
      expect(await sendMail(mail, { host, port: 587 }, rules({ allowsLoopback: false }))).toMatchObject({
        state: 'rejected',
      });
  });
});

/** nodemailer takes streams and files as well; ours are texts. */
function wordsOf(mail: ReturnType<typeof composeMail>) {
  return { ...mail, text: mail.text as string, html: mail.html as string };
}

describe('the words of a mail', () => {
  test('of one alert thread, from its beginning to its end; each attempt of one has the same id', () => {
    const opened = composeMail(messageOf(), TO, from);
    expect(composeMail(messageOf([toldOf()], { sentMs: 0 }), TO, from).messageId).toBe(opened.messageId);
    const resolved = composeMail(messageOf([toldOf({ transition: 'resolved' })], { key: 'msg_2' }), TO, from);
    expect(resolved.messageId).not.toBe(opened.messageId);
    expect([resolved.inReplyTo, resolved.references]).toEqual([opened.inReplyTo, opened.references]);
    const other = composeMail(messageOf([toldOf({ subjectKey: 'alert:other' })]), TO, from);
    expect(other.references).not.toEqual(opened.references);
  });
  test('cannot be made into headers, markup or a second recipient by names of machines and customers', async () => {
    const catcher = await start();
    const evil = 'x\r\nBcc: victim@else.com\r\n\r\n<script>alert(1)</script>\u2028\u202e';
    const told = toldOf({
      subjectName: evil,
      customerName: `${evil}"`,
      title: `${evil}`,
      message: `${evil}<img src=x onerror=1>`,
    });
    const message = messageOf([told], { providerName: `${evil}"<>` });
    const sent = await sendMail(
      composeMail(message, TO, { ...from, fromName: evil }),
      { host: '127.0.0.1', port: catcher.port },
      rules(),
    );
    expect(sent.state).toBe('sent');
    const [caught] = catcher.caught;
    expect(caught!.to).toEqual(TO);
    const headers = headersOf(caught!.text);
    expect(Object.keys(headers)).not.toContain('bcc');
    const { html } = composeMail(message, TO, from);
    expect(html).not.toMatch(/<script|<img/);
  });
  test('of a storm say how many, how bad and the worst by name', () => {
    const told = Array.from({ length: 200 }, (_, at) =>
      toldOf({
        id: String(at),
        subjectKey: `alert:${at}`,
        severity: at === 150 ? 'critical' : 'warning',
        subjectName: `PC-${at}`,
      }),
    ) as [ReturnType<typeof toldOf>];
    const { subject, text } = wordsOf(composeMail(messageOf(told), TO, from));
    expect(subject).toBe('200 new alerts: 1 critical, 199 warnings at Lindqvist Dental');
    expect(text).toMatch(/^.*\n\n- Critical: The machine is silent – PC-150/);
    expect(text).toContain('and 180 more.');
  });
  test('carry the provider’s logo inside, and nothing from elsewhere', () => {
    const { html, attachments } = wordsOf(composeMail(messageOf(), TO, { ...from, logo: Uint8Array.of(1, 2, 3) }));
    expect(attachments).toHaveLength(1);
    expect(html.match(/src="([^"]*)"/g)).toEqual([`src="cid:${attachments![0]!.cid}"`]);
  });
});
