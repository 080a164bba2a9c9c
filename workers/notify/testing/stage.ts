/** Where notifications are tested: real jobs on a real database, a receiver and a mail server in this process. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { newId } from '../../../core/base/ids.ts';
import { type ChannelKind, firstRouting } from '../../../core/domain/delivery/channel-kinds.ts';
import type { NotificationEvent } from '../../../core/domain/delivery/notification.ts';
import type { Tx } from '../../../server/db/client.ts';
import { withScope } from '../../../server/db/with-scope.ts';
import { publishNotification } from '../../../server/delivery/publish.ts';
import { createChannel } from '../../../server/delivery/save-channel.ts';
import { type MailCatcher, startMailCatcher } from '../../../server/delivery/testing/mail-catcher.ts';
import { enqueueIntent } from '../../../server/jobs/intents.ts';
import { createTestTenant, type TestTenant } from '../../../server/testing/test-services.ts';
import { until } from '../../../tests/support/until.ts';
import { type StartedServices, startWorkerServices } from '../../testing/start-worker-services.ts';
import { workThrough } from '../../testing/test-device.ts';

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
let started: StartedServices;
export let services: StartedServices;
export let tenant: TestTenant;
export let mail: MailCatcher;
let receiver: Server;
export let address: string;
export let seen: { headers: IncomingHttpHeaders; body: { type: string; data: { id: string; message: string } } }[] = [];
let answers: (number | 'hang_up')[] = [];

/** What the receiver answers next, in turn; 200 after them. */
export function setAnswers(next: readonly (number | 'hang_up')[]): void {
  answers = [...next];
}

/** For every test of a file: a database, a receiver, a mail server; for each test a tenant of its own. */
export function useStage(): void {
  beforeAll(async () => {
    started = await startWorkerServices();
    mail = await startMailCatcher();
    const env = {
      ...started.env,
      HOLDFAST_OUTBOUND_LOOPBACK: 'allow' as const,
      HOLDFAST_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      HOLDFAST_MAIL_FROM: 'Northgate IT <backup@northgate.com>',
      NEXTAUTH_URL: 'https://portal.northgate.com/',
    };
    services = { ...started, env };
    receiver = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        seen.push({ headers: request.headers, body: text === '' ? {} : JSON.parse(text) });
        const answer = answers.shift() ?? 200;
        if (answer === 'hang_up') response.destroy();
        else response.writeHead(answer).end('said the receiver');
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    receiver.close();
    await mail.stop();
    await started.stop();
  });
  beforeEach(async () => {
    tenant = await createTestTenant(services, 'notify');
    seen = [];
    answers = [];
    mail.caught.length = 0;
    mail.behave();
    mail.refuseRecipients(undefined);
  });
}

export const sql = async <T>(query: (tx: Tx) => Promise<T>): Promise<T> =>
  await withScope(services, tenant.system, query);
export const work = async () => await workThrough(services, tenant, ['deliver', 'notify-sweep']);
/** Time passes for the service's clock and for the jobs that wait in the database. */
export async function pass(ms: number): Promise<void> {
  services.clock.advance(ms);
  await sql(
    (tx) =>
      tx.$executeRaw`UPDATE job_intent SET run_after = run_after - ${ms} * interval '1 millisecond' WHERE tenant_id = ${tenant.id}::uuid AND state = 'waiting'`,
  );
  await work();
}
/** The server is shared with other test files, whose open transactions hold a reader of events back: it begins when none does. */
export async function sweep(): Promise<void> {
  await until(
    'the end of older transactions',
    async () =>
      await sql(async (tx) => {
        const rows = await tx.$queryRaw<{ held: boolean }[]>`SELECT EXISTS (SELECT FROM alert_event
          WHERE tenant_id = ${tenant.id}::uuid AND txid >= (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint) AS held`;
        return rows[0]?.held === false;
      }),
  );
  await sql((tx) => enqueueIntent(tx, tenant.system, 'notify-sweep', {}, { dedupeKey: 'notify-sweep' }));
  await work();
}

export async function channel(
  kind: ChannelKind,
  settings: object,
  more: { secrets?: object; routing?: object } = {},
): Promise<string> {
  const routing = { ...firstRouting(kind), ...more.routing };
  const wish = { kind, name: `${kind} channel`, settings, secrets: more.secrets, routing };
  return (await createChannel(services, tenant.owner, wish)).channelId;
}
export const webhook = async (routing: object = {}) => await channel('webhook', { url: `${address}/in` }, { routing });
export const byMail = async (routing: object = {}) =>
  await channel('email', { to: ['anna@northgate.com'] }, { routing });

export function eventOf(changes: Partial<NotificationEvent> = {}): NotificationEvent {
  return {
    tenantId: tenant.id,
    customerId: tenant.customers[0].id,
    sourceKey: newId(),
    subjectKey: `alert:${newId()}`,
    transition: 'opened',
    severity: 'warning',
    kind: 'missed',
    subjectName: 'FRONT-DESK',
    title: 'An expected backup did not happen',
    message: 'Its data is as old as the last restore point.',
    path: '/devices/0190aaaa-dddd-7ccc-8ddd-eeeeeeeeeeee',
    atMs: services.clock.nowMs(),
    ...changes,
  };
}
export const tell = async (changes: Partial<NotificationEvent> = {}) => {
  const event = eventOf(changes);
  const ids = await sql((tx) => publishNotification(services, tx, tenant.system, event));
  return { event, ids };
};
export const deliveries = async () =>
  await sql((tx) => tx.notificationDelivery.findMany({ where: { tenantId: tenant.id }, orderBy: { id: 'asc' } }));
export const states = async () => (await deliveries()).map(({ state }) => state);
export const channelRow = async (id: string) =>
  await sql((tx) => tx.notificationChannel.findFirstOrThrow({ where: { tenantId: tenant.id, id } }));
export const shortIds = () => seen.map(({ headers }) => String(headers['webhook-id']));
