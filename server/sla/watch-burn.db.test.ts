/** Somebody is told when the error budget of a contract goes fast: while there is still some of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import { slaTerms } from '../../core/domain/sla/contract.ts';
import { withScope } from '../db/with-scope.ts';
import {
  plantBackup,
  type PlantedSource,
  type PlantPlace,
  plantSource,
  rollUp,
} from '../reports/testing/planted-month.ts';
import { createTestTenant } from '../testing/test-services.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { changeContract } from './change-contract.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const { startMs } = monthWindow('2026-10', 'UTC');

let services: StartedTestServices;
let place: PlantPlace;
let source: PlantedSource;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

beforeEach(async () => {
  services.clock.set(startMs + DAY);
  const tenant = await createTestTenant(services, 'burn');
  const customerId = tenant.customers[0].id;
  await services.admin.query("UPDATE customer SET timezone = 'UTC' WHERE id = $1", [customerId]);
  place = { admin: services.admin, services, tenant, customerId, month: '2026-10', timeZone: 'UTC' };
  source = await plantSource(place, { device: 'srv-1', source: 'Files' }, startMs - 10 * DAY);
  await backups(startMs - 3 * HOUR, startMs + 10 * DAY);
});

async function backups(fromMs: number, untilMs: number): Promise<void> {
  for (let dueMs = fromMs; dueMs <= untilMs; dueMs += 1.5 * HOUR) await plantBackup(place, source, dueMs, 'ok');
}

/** Two hours of age are promised, in so much of the time: of 744 hours, 7.44 may be lost at 99 %. */
async function promise(rpoShare: number): Promise<void> {
  const tier = {
    ...{ key: 'servers', name: 'Servers', weight: 1, rpoMinutes: 120, rtoMinutes: 240, rpoShare, successShare: 0.9 },
    ...{ drill: { level: 3, everyDays: 30 }, retentionDays: 30, integrityDays: 35 },
  };
  const terms = slaTerms.parse({ tiers: [tier], defaultTier: 'servers', assignments: [], credits: [] });
  const wish = { terms, validFromMs: startMs, reason: 'As agreed.', basedOn: null };
  await changeContract(services, place.tenant.owner, place.customerId, wish);
}

const alerts = async () =>
  await withScope(services, place.tenant.system, (tx) =>
    tx.alert.findMany({ where: { tenantId: place.tenant.id, kind: 'burn' }, orderBy: { openedAt: 'asc' } }),
  );

test('a tenth of an hour outside of a budget of seven calls nobody, half an hour does, and it is over when data is young again', async () => {
  await promise(0.99);
  // The newest point is of ten days after the beginning.
  const brokenMs = startMs + 10 * DAY + 2 * HOUR;
  services.clock.set(brokenMs + 6 * 60_000);
  await rollUp(place);
  expect(await alerts()).toEqual([]);
  services.clock.set(brokenMs + HOUR / 2);
  await rollUp(place);
  const [open] = await alerts();
  expect(open).toMatchObject({ deviceId: null, resolvedAt: null, severity: 'warn' });
  expect(open!.message).toContain('Servers');
  // Once, however often it is looked at.
  services.clock.set(brokenMs + HOUR);
  await rollUp(place);
  expect(await alerts()).toHaveLength(1);
  await backups(brokenMs + HOUR, brokenMs + 9 * HOUR);
  services.clock.set(brokenMs + 9 * HOUR);
  await rollUp(place);
  expect(await alerts()).toMatchObject([{ id: open!.id, resolution: 'recovered' }]);
});

test('without a budget nothing is used up: other rules tell of data that is too old', async () => {
  services.clock.set(startMs + 10 * DAY + 4 * HOUR);
  await rollUp(place);
  await promise(1);
  await rollUp(place);
  expect(await alerts()).toEqual([]);
});
