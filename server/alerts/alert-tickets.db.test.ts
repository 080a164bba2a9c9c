import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { viewAlert } from './list-alerts.ts';
import { viewToday } from './queries.ts';
import { createAlertBench } from './testing/alert-bench.ts';

let services: StartedTestServices;
beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

test('whoever looks at an alert finds its ticket, also when it came back; a customer is not told of the provider’s desk', async () => {
  const bench = await createAlertBench(services);
  const { tenant, technician, sql, sweep, machine, quiet, only, now } = bench;
  const { customerId } = await machine('srv');
  await quiet('silent');
  await sweep();
  const { id } = await only('no_point');
  expect((await viewAlert(services, technician, id)).tickets).toEqual([]);
  const channelId = newId();
  const first = newId();
  await sql(async (tx) => {
    await tx.notificationChannel.create({
      data: { tenantId: tenant.id, id: channelId, kind: 'halopsa', name: 'Our desk', settings: {}, routing: {} },
    });
    const own = { tenantId: tenant.id, channelId, customerId, openedAt: now() };
    await tx.externalTicket.createMany({
      data: [
        { ...own, subjectKey: `alert:${first}`, reference: 'HF-1', ticketId: '4711' },
        { ...own, subjectKey: `alert:${newId()}`, reference: 'HF-2', ticketId: '4712' },
      ],
    });
  });
  // The alert is the second stretch of an episode: the ticket is of the first one.
  await services.admin.query('UPDATE alert SET episode_id = $1 WHERE id = $2', [first, id]);
  const ticket = { channelName: 'Our desk', ticketId: '4711', isClosed: false };
  expect((await viewAlert(services, technician, id)).tickets).toEqual([ticket]);
  const [group] = (await viewToday(services, technician)).groups;
  expect(group!.alerts[0]!.tickets).toEqual([ticket]);
  expect((await viewAlert(services, tenant.customers[0].viewer, id)).tickets).toEqual([]);
  await sql((tx) =>
    tx.externalTicket.updateMany({ where: { tenantId: tenant.id, reference: 'HF-1' }, data: { closedAt: now() } }),
  );
  expect((await viewAlert(services, technician, id)).tickets).toEqual([{ ...ticket, isClosed: true }]);
  expect((await viewToday(services, technician)).groups[0]!.alerts[0]!.tickets).toEqual([]);
});
