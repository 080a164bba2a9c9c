/** A real mail server in this process, with STARTTLS and accounts, that behaves as the test says. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface CaughtMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export interface MailCatcher {
  readonly port: number;
  readonly caught: CaughtMail[];
  /** What it does with the next mails, after the data: take, a reply with this code, or hang up without a word. */
  behave(...steps: readonly ('take' | number | 'hang_up')[]): void;
  /** As `behave`, for the recipient: before any data. */
  refuseRecipients(code: number | undefined): void;
  stop(): Promise<void>;
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly file: string;
  remove(): void;
}

/** For `localhost`, signed by itself, so that it is its own authority. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-cert-'));
  const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ],
    { stdio: 'ignore' },
  );
  return {
    key: readFileSync(keyFile, 'utf8'),
    cert: readFileSync(certFile, 'utf8'),
    file: certFile,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const MAIL_USER = 'holdfast@northgate.com';
export const MAIL_PASSWORD = 'the password of the tests';

export async function startMailCatcher(
  options: { readonly certificate?: Certificate; readonly needsAccount?: boolean; readonly secure?: boolean } = {},
): Promise<MailCatcher> {
  const { certificate, needsAccount = false, secure = false } = options;
  const caught: CaughtMail[] = [];
  let steps: ('take' | number | 'hang_up')[] = [];
  const sockets = new Set<Socket>();
  let recipientCode: number | undefined;
  const refusal = (code: number): Error =>
    Object.assign(new Error(`refused by the test ${MAIL_PASSWORD}`), { responseCode: code });
  const settings: SMTPServerOptions = {
    secure,
    ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
    ...(certificate === undefined
      ? { disabledCommands: ['STARTTLS', ...(needsAccount ? [] : (['AUTH'] as const))] }
      : {}),
    authOptional: !needsAccount,
    allowInsecureAuth: false,
    logger: false,
    onAuth: ({ username, password }, _, callback) => {
      if (username === MAIL_USER && password === MAIL_PASSWORD) callback(null, { user: username });
      else callback(refusal(535));
    },
    onRcptTo: (_, __, callback) => {
      if (recipientCode === undefined) callback();
      else callback(refusal(recipientCode));
    },
    onData: (stream, session, callback) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const step = steps.shift() ?? 'take';
        if (typeof step === 'number') return callback(refusal(step));
        caught.push({
          from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString('utf8'),
          isEncrypted: session.secure,
          user: session.user as string | undefined,
        });
        if (step === 'take') return callback();
        // It has the mail, and says nothing.
        for (const socket of sockets) socket.destroy();
      });
    },
  };
  const server = new SMTPServer(settings);
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('error', () => undefined); // a connection that a test cuts
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    caught,
    behave: (...next) => {
      steps = [...next];
    },
    refuseRecipients: (code) => {
      recipientCode = code;
    },
    stop: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** The headers of a mail, unfolded, by lower-case name. */
export function headersOf(text: string): Readonly<Record<string, string>> {
  const head = text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return Object.fromEntries(
    lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}
