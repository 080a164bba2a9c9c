/** Columns of a provider's own, and notes: who defines them, what a device may have there, and where they are seen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseFilter } from '../../core/domain/fleet-filter/parse-filter.ts';
import { viewCard } from '../devices/view-card.ts';
import { writeCard } from '../devices/write-card.ts';
import { readyTestDevice } from '../testing/test-device.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { exportFleet } from './export-fleet.ts';
import { listFleet } from './list-fleet.ts';
import { listOwnFields, removeOwnField, saveOwnField } from './own-fields.ts';

let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let deviceId: string;
let otherId: string;
beforeAll(async () => {
  services = await startTestServices();
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
  deviceId = (await readyTestDevice(services, await ours.customers[0].createToken())).answer.deviceId;
  otherId = (await readyTestDevice(services, await ours.customers[1].createToken())).answer.deviceId;
});
afterAll(() => services.stop());

const found = async (filter: string) =>
  (await listFleet(services, ours.owner, { filter: parseFilter(filter), after: null })).rows.map(({ id }) => id);

test('what staff write about a device is found by the filter, stands in the list and in the CSV, and not before the customer', async () => {
  const field = async (label: string, kind: 'text' | 'number' | 'date' | 'choice', choices: string[] = []) => {
    services.clock.advance(1000);
    await saveOwnField(services, ours.owner, { id: null, label, kind, choices });
  };
  await field('Büro / Site', 'choice', ['Oslo', 'Bergen']);
  await field('Seats', 'number');
  await field('Renewal', 'date');
  expect((await listOwnFields(services, ours.owner)).map(({ key }) => key)).toEqual(['buro_site', 'seats', 'renewal']);
  const values = { buro_site: 'Oslo', seats: 12, renewal: '2026-12-31' };
  await writeCard(services, ours.owner, deviceId, { note: ' Replace the UPS ', values });
  for (const filter of ['my.buro_site:osl', 'my.seats>11', 'my.renewal<2027-01-01', 'note:ups', '-note:none'])
    expect(await found(filter), filter).toEqual([deviceId]);
  for (const filter of ['my.buro_site:none', 'my.seats:none', 'note:none', '-my.seats>5'])
    expect(await found(filter), filter).toEqual([otherId]);
  const { rows } = await listFleet(services, ours.owner, { filter: parseFilter('note:ups'), after: null });
  expect(rows[0]).toMatchObject({ note: 'Replace the UPS', own: values });
  const lines: string[] = [];
  const wish = {
    filter: parseFilter('sort:name my.seats>1'),
    columns: ['note', 'my.seats', 'my.gone', 'my.renewal'],
  } as const;
  for await (const line of exportFleet(services, ours.owner, wish)) lines.push(line);
  expect(lines[0]).toContain('Note,Seats,Renewal');
  expect(lines[1]).toMatch(/Replace the UPS,12,2026-12-31\r?\n$/);
  await expect(viewCard(services, ours.customers[0].viewer, deviceId)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await viewCard(services, ours.owner, deviceId)).toMatchObject({ note: 'Replace the UPS', values });
});

test('a value that its column cannot have is refused, and nothing of it is kept', async () => {
  for (const values of [
    { seats: 'many' },
    { renewal: '2026-02-31' },
    { renewal: '2026-13-45' },
    { buro_site: 'Rome' },
    { gone: 'x' },
    { renewal: 5 },
  ])
    await expect(writeCard(services, ours.owner, otherId, { note: 'x', values })).rejects.toMatchObject({
      code: 'bad_request',
    });
  expect(await viewCard(services, ours.owner, otherId)).toMatchObject({ note: '', values: {} });
});

test('a filter that asks for a column that nobody has defined is refused, not answered with nothing', async () => {
  await expect(found('my.sites:oslo')).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining('There are: my.buro_site') as string,
  });
  // Another provider's columns are its own.
  await expect(
    listFleet(services, theirs.owner, { filter: parseFilter('failed or my.seats>1'), after: null }),
  ).rejects.toMatchObject({ code: 'bad_request' });
});

test('a column keeps its word when it is called otherwise, and is gone with what devices have there', async () => {
  const { id } = (await listOwnFields(services, ours.owner)).find(({ key }) => key === 'seats')!;
  await saveOwnField(services, ours.owner, { id, label: 'Licences', kind: 'number', choices: [] });
  expect(await found('my.seats>1')).toEqual([deviceId]);
  await expect(saveOwnField(services, ours.owner, { id, label: 'X', kind: 'text', choices: [] })).rejects.toMatchObject(
    {
      code: 'not_found',
    },
  );
  await removeOwnField(services, ours.owner, id);
  expect((await viewCard(services, ours.owner, deviceId)).values).toEqual({ buro_site: 'Oslo', renewal: '2026-12-31' });
  await expect(found('my.seats>1')).rejects.toMatchObject({ code: 'bad_request' });
  // Its word is free again.
  await saveOwnField(services, ours.owner, { id: null, label: 'Seats', kind: 'text', choices: [] });
  expect(await found('my.seats:none')).toHaveLength(2);
});

test('the owner defines columns, staff fill them, customers and other providers do neither', async () => {
  const wish = { id: null, label: 'Rack', kind: 'text', choices: [] } as const;
  const technician = { ...ours.owner, role: 'technician' } as typeof ours.owner;
  const card = { note: 'x', values: {} };
  for (const scope of [ours.customers[0].viewer, technician])
    await expect(saveOwnField(services, scope, wish)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(writeCard(services, ours.customers[0].viewer, deviceId, card)).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(writeCard(services, theirs.owner, deviceId, card)).rejects.toMatchObject({ code: 'not_found' });
  await expect(saveOwnField(services, ours.owner, { ...wish, label: '—' })).rejects.toMatchObject({
    code: 'bad_request',
  });
  await saveOwnField(services, ours.owner, wish);
  await expect(saveOwnField(services, ours.owner, { ...wish, label: 'RACK' })).rejects.toMatchObject({
    code: 'conflict',
  });
});
