/** From the close of a month to the paper in a customer's hands, on a real database: ordered once, drawn, approved, opened. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../core/base/log.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { claimIntent } from '../../server/jobs/claims.ts';
import { executiveSummary } from '../../server/reports/executive-summary.ts';
import { makePack } from '../../server/reports/make-pack.ts';
import { approveReports } from '../../server/reports/approve-reports.ts';
import { listOwnReports, listReports } from '../../server/reports/list-reports.ts';
import { openReport } from '../../server/reports/open-report.ts';
import { orderReports } from '../../server/reports/order-reports.ts';
import { saveBrand } from '../../server/reports/save-brand.ts';
import {
  plantBackup,
  plantSource,
  type PlantedSource,
  type PlantPlace,
  rollUp,
} from '../../server/reports/testing/planted-month.ts';
import { createTestTenant, type TestTenant } from '../../server/testing/test-services.ts';
import { drawReport } from './draw-report.ts';
import { type StartedTestServices, startTestServices } from '../../server/testing/start-test-services.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTH = '2026-10';
const window = monthWindow(MONTH, 'UTC');

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
let places: [PlantPlace, PlantPlace];
let sources: [PlantedSource, PlantedSource];

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
});
afterAll(() => services.stop());
beforeEach(async () => {
  services.clock.set(window.startMs - 10 * DAY);
  tenant = await createTestTenant(services, 'paper');
  const placeOf = (at: 0 | 1): PlantPlace => ({
    ...{ admin, services, tenant, customerId: tenant.customers[at].id, month: MONTH, timeZone: 'UTC' },
  });
  places = [placeOf(0), placeOf(1)];
  const plant = async (place: PlantPlace): Promise<PlantedSource> => {
    const source = await plantSource(place, { device: 'srv', source: 'Files' }, window.startMs);
    for (let at = 1; at < 20; at++) await plantBackup(place, source, window.startMs + at * 1.5 * HOUR, 'ok');
    return source;
  };
  sources = [await plant(places[0]), await plant(places[1])];
});

/** The month is over and closed for both customers. */
async function close(): Promise<void> {
  services.clock.set(window.endMs + 2 * DAY);
  for (const place of places) await rollUp(place);
}

/** Works off what was ordered, each as a worker would; `signal` stops it on the way. */
async function draw(signal = new AbortController().signal): Promise<void> {
  const { rows } = await admin.query<{ id: string; payload: { reportId: string } }>(
    `UPDATE job_intent SET state = 'dispatched' WHERE tenant_id = $1 AND kind = 'report' AND state = 'waiting' RETURNING id, payload`,
    [tenant.id],
  );
  for (const { id, payload } of rows) {
    const claim = (await claimIntent(services, tenant.id, id))!;
    const checkpoint = { last: null, save: () => Promise.resolve() };
    try {
      await drawReport({ services, claim, signal, checkpoint, log: silentLog }, payload);
      await claim.finish();
    } catch (error) {
      await claim.fail(error as Error);
    }
  }
}

const lines = async () => (await listReports(services, tenant.owner, { month: MONTH, page: 1 })).reports;
const viewer = (at: 0 | 1) => tenant.customers[at].viewer;
const rowsOf = async () =>
  await withScope(services, tenant.system, (tx) =>
    tx.monthReport.findMany({ where: { tenantId: tenant.id }, orderBy: [{ createdAt: 'asc' }, { revision: 'asc' }] }),
  );

describe('reports at the close of a month', () => {
  test('one is ordered for each customer whose month is closed, once', async () => {
    services.clock.set(window.endMs - HOUR);
    for (const place of places) await rollUp(place);
    expect(await orderReports(services, tenant.system)).toBe(0);
    expect((await lines()).map(({ state }) => state)).toEqual(['open', 'open']);
    await close();
    expect(await orderReports(services, tenant.system)).toBe(2);
    expect(await orderReports(services, tenant.system)).toBe(0);
    expect((await lines()).map(({ state }) => state)).toEqual(['waiting', 'waiting']);
  });

  test('two workers that order at the same time order each report once', async () => {
    await close();
    await Promise.all([1, 2, 3].map(async () => await orderReports(services, tenant.system)));
    expect((await rowsOf()).map(({ revision }) => revision)).toEqual([1, 1]);
    const { rows } = await admin.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM job_intent WHERE tenant_id = $1 AND kind = 'report'`,
      [tenant.id],
    );
    expect(rows[0]!.n).toBe(2);
  });

  test('what lies in the store is what its hash names, and the same month draws the same bytes again', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw();
    const [row] = await rowsOf();
    const pdf = await services.store.get(row!.objectKey!);
    expect(createHash('sha256').update(pdf).digest('hex')).toBe(row!.sha256);
    expect(row!.bytes).toBe(pdf.length);
    expect(row!.objectKey).toContain(`reports/${tenant.id}/${row!.customerId}/`);
    // As if its row had been lost after a crash: another day, another worker, the same paper.
    await admin.query('DELETE FROM month_report WHERE tenant_id = $1', [tenant.id]);
    services.clock.advance(3 * DAY);
    await orderReports(services, tenant.system);
    await draw();
    expect((await rowsOf()).find(({ customerId }) => customerId === row!.customerId)!.sha256).toBe(row!.sha256);
  });

  test('a worker that is stopped between file and row leaves nothing that anybody is given; the next one ends it', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw(AbortSignal.abort());
    expect((await lines()).map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    await draw();
    const [drawn] = await rowsOf();
    expect((await lines()).map(({ state }) => state)).toEqual(['ready', 'ready']);
    // What a kill at the worst moment leaves: the file lies there, here of broken contents, and the row knows nothing.
    await admin.query('DELETE FROM month_report WHERE tenant_id = $1', [tenant.id]);
    await orderReports(services, tenant.system);
    const again = (await rowsOf()).find(({ customerId }) => customerId === drawn!.customerId)!;
    const key = drawn!.objectKey!.replace(drawn!.id, again.id);
    await services.store.create(key, Buffer.from('half a file'));
    await draw();
    const ended = (await rowsOf()).find(({ id }) => id === again.id)!;
    expect(ended).toMatchObject({ objectKey: key, sha256: drawn!.sha256 });
    expect(
      createHash('sha256')
        .update(await services.store.get(key))
        .digest('hex'),
    ).toBe(ended.sha256);
  });

  test('a worker that was taken for dead and draws on harms nothing that another has drawn meanwhile', async () => {
    await close();
    await orderReports(services, tenant.system);
    const { rows } = await admin.query<{ id: string; payload: { reportId: string } }>(
      `UPDATE job_intent SET state = 'dispatched' WHERE tenant_id = $1 AND kind = 'report' AND customer_id = $2 RETURNING id, payload`,
      [tenant.id, tenant.customers[0].id],
    );
    const { id, payload } = rows[0]!;
    const signal = new AbortController().signal;
    const checkpoint = { last: null, save: () => Promise.resolve() };
    let hasTakenOver = false;
    const store = new Proxy(services.store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          if (name === 'create' && !hasTakenOver) {
            hasTakenOver = true;
            // Meanwhile the customer got another name, so that the two draw different bytes.
            await admin.query(`UPDATE customer SET name = 'renamed' WHERE id = $1`, [tenant.customers[0].id]);
            await admin.query(`UPDATE job_intent SET state = 'dispatched' WHERE id = $1`, [id]);
            const second = (await claimIntent(services, tenant.id, id))!;
            await drawReport({ services, claim: second, signal, checkpoint, log: silentLog }, payload);
            await second.finish();
          }
          return await (method as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    });
    const first = (await claimIntent(services, tenant.id, id))!;
    await expect(
      drawReport({ services: { ...services, store }, claim: first, signal, checkpoint, log: silentLog }, payload),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(hasTakenOver).toBe(true);
    const row = (await rowsOf()).find((one) => one.id === payload.reportId)!;
    const pdf = await services.store.get(row.objectKey!);
    expect(createHash('sha256').update(pdf).digest('hex')).toBe(row.sha256);
    expect(Buffer.from(pdf).toString('latin1')).toContain('renamed');
  });

  test('a customer has nothing before staff approved it, and then their own alone', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw();
    const drawn = await lines();
    const own = drawn.find(({ customerId }) => customerId === tenant.customers[0].id)!.newest!.id;
    const foreign = drawn.find(({ customerId }) => customerId === tenant.customers[1].id)!.newest!.id;
    const gone = { code: 'not_found' };
    await expect(openReport(services, viewer(0), own)).rejects.toMatchObject(gone);
    expect(await listOwnReports(services, viewer(0), tenant.customers[0].id)).toEqual([]);
    await expect(approveReports(services, viewer(0), { month: MONTH, reportIds: [own] })).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(await approveReports(services, tenant.owner, { month: MONTH, reportIds: [own] })).toEqual({ approved: 1 });
    await expect(approveReports(services, tenant.owner, { month: MONTH, reportIds: [own] })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await approveReports(services, tenant.owner, { month: MONTH, reportIds: null })).toEqual({ approved: 1 });
    expect((await openReport(services, viewer(0), own)).url).toContain('http://store.test');
    expect((await listOwnReports(services, viewer(0), tenant.customers[0].id)).map(({ id }) => id)).toEqual([own]);
    // Approved as well, and not theirs.
    await expect(openReport(services, viewer(0), foreign)).rejects.toMatchObject(gone);
    expect(await listOwnReports(services, viewer(0), tenant.customers[1].id)).toEqual([]);
    const other = await createTestTenant(services, 'strangers');
    await expect(openReport(services, other.owner, own)).rejects.toMatchObject(gone);
    await expect(approveReports(services, other.owner, { month: MONTH, reportIds: null })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('a correction opens the approval again, and until then the customer keeps what was approved', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw();
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: null });
    const customerId = tenant.customers[0].id;
    const [first] = await listOwnReports(services, viewer(0), customerId);
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', quarantine_reason = 'planted', is_usable = false
       WHERE source_id = $1 AND sealed_at < $2`,
      [sources[0].id, new Date(window.startMs + 12 * HOUR)],
    );
    services.clock.advance(DAY);
    await rollUp(places[0]);
    expect(await orderReports(services, tenant.system)).toBe(1);
    // Another correction while one waits: the same paper will say it.
    expect(await orderReports(services, tenant.system)).toBe(0);
    await draw();
    const line = (await lines())[0]!;
    expect(line).toMatchObject({
      customerId,
      state: 'corrected',
      approved: { id: first!.id },
      newest: { revision: 2 },
    });
    expect(await listOwnReports(services, viewer(0), customerId)).toEqual([first]);
    await expect(openReport(services, viewer(0), line.newest!.id)).rejects.toMatchObject({ code: 'not_found' });
    // Who still has the old page open approves nothing by it.
    await expect(
      approveReports(services, tenant.owner, { month: MONTH, reportIds: [first!.id] }),
    ).rejects.toMatchObject({ code: 'conflict' });
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: [line.newest!.id] });
    expect((await listOwnReports(services, viewer(0), customerId)).map(({ revision }) => revision)).toEqual([2]);
  });

  test('what was drawn and approved cannot be changed in the database', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw();
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: null });
    for (const change of [
      `sha256 = repeat('0', 64)`,
      `object_key = 'x'`,
      `state = 'queued', sha256 = NULL, object_key = NULL`,
      `says_at = now()`,
      `approved_at = NULL, approved_by = NULL`,
      `revision = 7`,
      `month = '2026-09'`,
    ])
      await expect(
        admin.query(`UPDATE month_report SET ${change} WHERE tenant_id = $1`, [tenant.id]),
      ).rejects.toThrow();
  });

  test('the paper looks as its customer’s, else as the provider’s, and only an owner changes it', async () => {
    const terms = { name: 'Harbour IT', accent: '#0f5e4d', footer: '', contact: '', paper: 'LETTER' as const };
    await expect(saveBrand(services, viewer(0), null, { terms })).rejects.toMatchObject({ code: 'forbidden' });
    await saveBrand(services, tenant.owner, null, { terms });
    await saveBrand(services, tenant.owner, tenant.customers[1].id, { terms: { ...terms, name: 'Own look' } });
    await saveBrand(services, tenant.owner, tenant.customers[1].id, { terms: { ...terms, name: 'Own look 2' } });
    await close();
    await orderReports(services, tenant.system);
    await draw();
    const drawn = await rowsOf();
    const facts = async (at: 0 | 1): Promise<string> => {
      const { objectKey } = drawn.find(({ customerId }) => customerId === tenant.customers[at].id)!;
      const pdf = Buffer.from(await services.store.get(objectKey!)).toString('latin1');
      const author = /<rdf:Seq>\s*<rdf:li>(.*)<\/rdf:li>/.exec(pdf)?.[1];
      return `${author} on ${/MediaBox \[([0-9. ]+)\]/.exec(pdf)?.[1]}`;
    };
    expect(await facts(0)).toBe('Harbour IT on 0 0 612 792');
    expect(await facts(1)).toBe('Own look 2 on 0 0 612 792');
  });
});

describe('what a customer is told and given', () => {
  async function plantChannel(customerId: string | null, kind: 'email' | 'webhook', state: 'on' | 'off' = 'on') {
    const { rows } = await admin.query<{ id: string }>(
      `INSERT INTO notification_channel (tenant_id, id, customer_id, kind, name, settings, routing, disabled_at, disabled_reason)
       VALUES ($1, gen_random_uuid(), $2, $3, 'planted', $4, $5, CASE WHEN $6 = 'off' THEN now() END, CASE WHEN $6 = 'off' THEN 'planted' END)
       RETURNING id`,
      [
        ...[tenant.id, customerId, kind, JSON.stringify({ to: ['ada@x.test'] })],
        // Would let nothing through: a report is told whatever alerts somebody wants.
        ...[JSON.stringify({ rules: [], gatherSeconds: 60, perHour: 60, stormCount: 20 }), state],
      ],
    );
    return rows[0]!.id;
  }
  const told = async () =>
    (
      await admin.query<{ channel: string; customer: string; title: string; path: string; state: string }>(
        `SELECT d.channel_id AS channel, n.customer_id AS customer, n.title, n.path, d.state FROM notification_delivery d
         JOIN notification n ON n.tenant_id = d.tenant_id AND n.id = d.notification_id
         WHERE d.tenant_id = $1 AND n.kind = 'report' ORDER BY d.created_at, d.id`,
        [tenant.id],
      )
    ).rows;

  test('is a mail through its own mail channels, once a revision, whoever approves how often', async () => {
    const [first, second] = tenant.customers;
    const mail = await plantChannel(first.id, 'email');
    await plantChannel(first.id, 'email', 'off');
    await plantChannel(first.id, 'webhook');
    await plantChannel(null, 'email');
    await close();
    await orderReports(services, tenant.system);
    await draw();
    expect(await told()).toEqual([]);
    // Two people at the same time, and one more who was late.
    await Promise.allSettled(
      [1, 2].map(async () => await approveReports(services, tenant.owner, { month: MONTH, reportIds: null })),
    );
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: null }).catch(() => undefined);
    expect(await told()).toEqual([
      {
        channel: mail,
        customer: first.id,
        title: 'Your service report of October 2026',
        path: '/reports',
        state: 'waiting',
      },
    ]);
    const byCustomer = new Map((await lines()).map((line) => [line.customerId, line.mail]));
    expect(byCustomer.get(first.id)).toEqual({ channels: 1, sent: 0, waiting: 1, failed: 0 });
    expect(byCustomer.get(second.id)).toEqual({ channels: 0, sent: 0, waiting: 0, failed: 0 });
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', quarantine_reason = 'planted', is_usable = false WHERE source_id = $1`,
      [sources[0].id],
    );
    services.clock.advance(DAY);
    await rollUp(places[0]);
    await orderReports(services, tenant.system);
    await draw();
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: null });
    expect((await told()).map(({ channel }) => channel)).toEqual([mail, mail]);
  });

  test('an archive for an insurer holds what was approved, and sums that say so', async () => {
    await close();
    await orderReports(services, tenant.system);
    await draw();
    const customerId = tenant.customers[0].id;
    const before = readStoredNames(await makePack(services, viewer(0), customerId, MONTH));
    expect(before).not.toContain('report.pdf');
    await approveReports(services, tenant.owner, { month: MONTH, reportIds: null });
    const after = await makePack(services, viewer(0), customerId, MONTH);
    expect(readStoredNames(after)).toEqual(
      expect.arrayContaining(['README.txt', 'report.pdf', 'month.json', 'SHA256SUMS']),
    );
    await expect(makePack(services, viewer(1), customerId, MONTH)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('the page of all customers sets each beside its month before', async () => {
    await close();
    const summary = await executiveSummary(services, tenant.owner, MONTH);
    expect(summary).toMatchObject({ month: MONTH, monthBefore: '2026-09' });
    expect(summary.customers.map(({ before }) => before)).toEqual([null, null]);
    const next = await executiveSummary(services, tenant.owner, '2026-11');
    expect(next.customers).toEqual([]);
    await expect(executiveSummary(services, viewer(0), MONTH)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

/** The names of the central directory of a ZIP. */
function readStoredNames(zip: Uint8Array): string[] {
  const bytes = Buffer.from(zip);
  const names: string[] = [];
  for (
    let at = bytes.indexOf('PK\u0001\u0002', 0, 'latin1');
    at >= 0;
    at = bytes.indexOf('PK\u0001\u0002', at + 4, 'latin1')
  )
    names.push(bytes.toString('utf8', at + 46, at + 46 + bytes.readUInt16LE(at + 28)));
  return names;
}
