/** Anchors: one a day where something was recorded, and every way to lose or bend them is found by the daily check. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyBundle } from '../../core/evidence/verify-bundle.ts';
import type { SignedText } from '../../core/evidence/record.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { anchorDay } from '../../server/evidence/anchor-day.ts';
import { checkAnchors } from '../../server/evidence/check-anchors.ts';
import { makeBundle } from '../../server/evidence/make-bundle.ts';
import { evidenceCompleteness, listAnchors } from '../../server/evidence/queries.ts';
import { TestDevice, type TestServices } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

const DAY_MS = 24 * 3600_000;
let services: StartedServices;

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

async function sweep(device: TestDevice, at: TestServices = services): Promise<void> {
  await anchorDay(at, device.tenant.system);
  await checkAnchors(at, device.tenant.system);
}
async function anchored(): Promise<{ device: TestDevice; file: string; day: string }> {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', a: 'a' });
  await device.backUp();
  const day = new Date(services.clock.nowMs()).toISOString().slice(0, 10);
  services.clock.advance(DAY_MS);
  await sweep(device);
  const { customerId } = device.enrolled;
  return { device, day, file: path.join(services.storeRoot, 'evidence', device.tenant.id, customerId, `${day}.json`) };
}
/** Of the customer: evidence concerns no single device. */
async function alertsOf(device: TestDevice): Promise<string[]> {
  const { customerId } = device.enrolled;
  const where = { tenantId: device.tenant.id, customerId, resolvedAt: null };
  const alerts = await device.sql((tx) => tx.alert.findMany({ where, select: { kind: true } }));
  return alerts.map(({ kind }) => kind);
}
const linesOf = async (device: TestDevice) =>
  await listAnchors(services, device.tenant.owner, { customerId: device.enrolled.customerId, limit: 10 });
async function bundleOf(device: TestDevice) {
  return await makeBundle(services, device.tenant.owner, { customerId: device.enrolled.customerId });
}
function rewrite(file: string, text: string): void {
  chmodSync(file, 0o600);
  writeFileSync(file, text);
}
async function asAdministrator(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: services.database.databaseUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
}

describe('an anchor', () => {
  test('lies in the store after the day is over, once, and the bundle carries it', async () => {
    const { device, file, day } = await anchored();
    const laid = readFileSync(file, 'utf8');
    const check = await verifyBundle(JSON.stringify(await bundleOf(device)));
    expect(check).toMatchObject({ findings: [], facts: { anchors: 1, anchoredUpTo: 1 } });
    expect(await linesOf(device)).toMatchObject([{ day, sequence: 1, isLocked: false, problem: null }]);
    services.clock.advance(DAY_MS);
    await sweep(device);
    // Nothing was recorded since: nothing new to say.
    expect(await linesOf(device)).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe(laid);
    expect(await alertsOf(device)).toEqual([]);
    const window = { fromMs: 0, toMs: services.clock.nowMs() };
    expect(await evidenceCompleteness(services, device.tenant.owner, window)).toEqual({
      drills: 1,
      complete: 1,
      waitingForAnchor: 0,
    });
  });
  test('is locked where the store can, for years', async () => {
    const until: number[] = [];
    const store = { ...services.store, retain: async (_: string, at: number) => (until.push(at), 'locked' as const) };
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
    await device.backUp();
    services.clock.advance(DAY_MS);
    await sweep(device, { ...services, store });
    expect(await linesOf(device)).toMatchObject([{ isLocked: true }]);
    expect(until[0]! - services.clock.nowMs()).toBeGreaterThan(6 * 365 * DAY_MS);
  });
  test('that was laid down by a worker which died before it told the database is taken over', async () => {
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
    await device.backUp();
    services.clock.advance(DAY_MS);
    const store = {
      ...services.store,
      create: async (key: string, bytes: Uint8Array) => {
        await services.store.create(key, bytes);
        throw new Error('the worker dies');
      },
    };
    await expect(sweep(device, { ...services, store })).rejects.toThrow('dies');
    services.clock.advance(60_000);
    await sweep(device);
    expect(await linesOf(device)).toMatchObject([{ problem: null }]);
    expect((await verifyBundle(JSON.stringify(await bundleOf(device)))).findings).toEqual([]);
    expect(await alertsOf(device)).toEqual([]);
  });
});

describe('the daily check raises an alert', () => {
  test('when an anchor is gone, and takes it back when it is there again', async () => {
    const { device, file } = await anchored();
    const laid = readFileSync(file, 'utf8');
    rmSync(file);
    services.clock.advance(DAY_MS);
    await sweep(device);
    expect(await alertsOf(device)).toEqual(['evidence']);
    expect(await linesOf(device)).toMatchObject([{ problem: 'missing' }]);
    writeFileSync(file, laid);
    services.clock.advance(DAY_MS);
    await sweep(device);
    expect(await alertsOf(device)).toEqual([]);
  });
  test.each([
    ['one flipped letter', (text: string) => text.replace('sequence', 'sequencf')],
    ['half of it', (text: string) => text.slice(0, text.length / 2)],
    ['another day', (text: string) => text.replace(/\d{4}-\d\d-\d\d/, '2020-01-01')],
  ])('when an anchor was altered: %s', async (_, alter) => {
    const { device, file } = await anchored();
    rewrite(file, alter(readFileSync(file, 'utf8')));
    services.clock.advance(DAY_MS);
    await sweep(device);
    expect(await linesOf(device)).toMatchObject([{ problem: 'altered' }]);
    expect(await alertsOf(device)).toEqual(['evidence']);
  });
  test('when a record in the database was changed past everything', async () => {
    const { device } = await anchored();
    await asAdministrator(
      `UPDATE evidence_record SET text = replace(text, '"passed"', '"failed"') WHERE tenant_id = '${device.tenant.id}'`,
    );
    services.clock.advance(DAY_MS);
    await sweep(device);
    expect(await linesOf(device)).toMatchObject([{ problem: 'history' }]);
    expect(await alertsOf(device)).toEqual(['evidence']);
    const check = await verifyBundle(JSON.stringify(await bundleOf(device)));
    expect(check.findings[0]).toMatchObject({ problem: 'signature', sequence: 1 });
  });
  test('when the database was set back behind its anchors', async () => {
    const { device, day } = await anchored();
    const old = readFileSync(
      path.join(services.storeRoot, 'evidence', device.tenant.id, device.enrolled.customerId, `${day}.json`),
      'utf8',
    );
    services.clock.advance(3 * DAY_MS);
    await requestDrill(services, device.tenant.owner, { deviceId: device.enrolled.deviceId });
    await device.work(['drill']);
    services.clock.advance(DAY_MS);
    await sweep(device);
    expect(await linesOf(device)).toHaveLength(2);
    await asAdministrator(`DELETE FROM evidence_anchor WHERE tenant_id = '${device.tenant.id}' AND sequence = 2;
      DELETE FROM evidence_record WHERE tenant_id = '${device.tenant.id}' AND sequence = 2`);
    services.clock.advance(2 * DAY_MS);
    await sweep(device);
    expect(await alertsOf(device)).toEqual(['evidence']);
    expect((JSON.parse(old) as SignedText).text).toContain('"sequence":1');
  });
});
