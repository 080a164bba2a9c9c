/** One contract for every service desk, on servers that play the shapes that their makers document and refuse all others. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CHANNEL_SETTINGS } from '../../../core/domain/delivery/channel-kinds.ts';
import { createCaller } from '../outbound/call.ts';
import { DESK_ACCOUNT, type PlayedDesk, playDesk } from '../testing/played-desk.ts';
import { messageOf, TEST_AT, toldOf } from '../testing/test-message.ts';
import { autotaskDesk } from './autotask.ts';
import { connectWiseDesk } from './connectwise.ts';
import { haloDesk } from './halopsa.ts';
import { sendTicket, type TicketMemory } from './send-ticket.ts';
import { DeskFailure, type ServiceDesk } from './service-desk.ts';

const caller = createCaller({ allowsLoopback: true, resolve: async () => [] });
const { company, publicKey, privateKey, clientId, username, integrationCode, secret, haloSecret } = DESK_ACCOUNT;

const DESKS = {
  connectwise: (url: string, key: string = privateKey): ServiceDesk =>
    connectWiseDesk(
      CHANNEL_SETTINGS.connectwise.parse({
        url,
        company,
        publicKey,
        clientId,
        board: 'Backup',
        defaultCompany: 'Northgate',
      }),
      { privateKey: key },
      caller,
    ),
  autotask: (url: string, key: string = secret): ServiceDesk =>
    autotaskDesk(
      CHANNEL_SETTINGS.autotask.parse({ url, username, queueId: '5', defaultCompany: '0' }),
      { integrationCode, secret: key },
      caller,
    ),
  halopsa: (url: string, key: string = haloSecret): ServiceDesk =>
    haloDesk(
      CHANNEL_SETTINGS.halopsa.parse({ url, clientId, tenant: 'northgate', ticketTypeId: '1', defaultCompany: '12' }),
      { clientSecret: key },
      caller,
    ),
} as const;
const COMPANIES = { connectwise: 'Lindqvist', autotask: '29683', halopsa: '18' } as const;
const CLOSED = { connectwise: '>Closed', autotask: '5', halopsa: '9' } as const;

/** As the database remembers, in a map. */
function memoryOf(): TicketMemory & {
  rows: Map<string, { reference: string; ticketId: string | null; isClosed: boolean }>;
} {
  const rows = new Map<string, { reference: string; ticketId: string | null; isClosed: boolean }>();
  const openOf = (reference: string): number =>
    [...rows.values()].filter((row) => row.reference === reference && !row.isClosed).length;
  return {
    rows,
    find: async (key) => {
      const row = rows.get(key);
      return row && { ...row, openSubjects: openOf(row.reference) };
    },
    remember: async (keys, reference) => {
      for (const key of keys) rows.set(key, { reference, ticketId: null, isClosed: false });
    },
    opened: async (reference, ticketId) => {
      for (const row of rows.values()) if (row.reference === reference) row.ticketId = ticketId;
    },
    subjectOver: async (key) => {
      const row = rows.get(key);
      if (row === undefined) return 0;
      row.isClosed = true;
      return openOf(row.reference);
    },
  };
}

describe.each(['connectwise', 'autotask', 'halopsa'] as const)('%s', (kind) => {
  let played: PlayedDesk;
  let memory: ReturnType<typeof memoryOf>;
  beforeEach(async () => {
    played = await playDesk(kind);
    memory = memoryOf();
  });
  afterEach(async () => await played.stop());
  const send = async (message = messageOf(), desk = DESKS[kind](played.url)) =>
    await sendTicket(message, {
      desk,
      memory,
      secrets: [privateKey, secret, haloSecret],
      nowMs: TEST_AT,
      companyOf: () => COMPANIES[kind],
    });
  const step = (transition: 'opened' | 'updated' | 'acknowledged' | 'resolved', key: string) =>
    messageOf([toldOf({ transition })], { key });

  test('opens a ticket for an alert, notes what changes, and closes it with the alert', async () => {
    expect(await send()).toMatchObject({ state: 'sent', response: 'Opened.', reference: '17000' });
    expect(await send(step('acknowledged', 'm2'))).toMatchObject({ state: 'sent', response: 'Noted.' });
    expect(await send(step('resolved', 'm3'))).toMatchObject({ state: 'sent', response: 'Closed.' });
    expect(played.tickets).toHaveLength(1);
    const [ticket] = played.tickets;
    expect(ticket).toMatchObject({
      company: COMPANIES[kind],
      status: CLOSED[kind],
      reference: expect.stringMatching(/^HF-[0-9A-F]{20}$/),
    });
    expect(ticket!.title).toContain('The machine is silent');
    expect(ticket!.text).toContain('has not called for a long time');
    expect(ticket!.notes).toHaveLength(2);
  });
  test('never opens a second one: the answer that was lost is found again by our reference', async () => {
    played.misbehave('lost_answer');
    expect(await send()).toMatchObject({ state: 'unknown' });
    expect(await send()).toMatchObject({ state: 'sent', reference: '17000' });
    expect(await send()).toMatchObject({ state: 'sent', response: 'The ticket is open already.' });
    expect(played.tickets).toHaveLength(1);
  });
  test('opens it at the second try when the first was refused', async () => {
    played.misbehave('busy');
    expect(await send()).toMatchObject({ state: 'refused' });
    expect(await send()).toMatchObject({ state: 'sent', response: 'Opened.' });
    expect(played.tickets).toHaveLength(1);
  });
  test('closes the ticket of a lost answer too', async () => {
    played.misbehave('lost_answer');
    await send();
    expect(await send(step('resolved', 'm3'))).toMatchObject({ state: 'sent' });
    expect(played.tickets[0]?.status).toBe(CLOSED[kind]);
  });
  test('has one ticket for a storm, which closes with the last of its alerts', async () => {
    const storm = ['a', 'b', 'c'].map((at) => toldOf({ id: at, subjectKey: `alert:${at}` })) as [
      ReturnType<typeof toldOf>,
    ];
    await send(messageOf(storm, { key: 'storm' }));
    const end = async (at: string) =>
      await send(messageOf([toldOf({ subjectKey: `alert:${at}`, transition: 'resolved' })], { key: `end-${at}` }));
    await end('a');
    await end('b');
    expect(played.tickets.map(({ status }) => status)).toEqual(['New']);
    expect(await end('c')).toMatchObject({ response: 'Closed.' });
    expect(played.tickets.map(({ status }) => status)).toEqual([CLOSED[kind]]);
  });
  test('gets a new ticket for an alert that comes back after its end', async () => {
    await send();
    await send(step('resolved', 'm2'));
    await send(step('opened', 'm3'));
    expect(played.tickets.map(({ status }) => status)).toEqual([CLOSED[kind], 'New']);
  });
  test('that does not know the account says so at once, without the key', async () => {
    const outcome = await send(messageOf(), DESKS[kind](played.url, 'a wrong key of ours'));
    expect(outcome.state).toBe('rejected');
    expect(JSON.stringify(outcome)).not.toContain('a wrong key');
    expect(played.tickets).toEqual([]);
  });
  test('takes titles and texts that are longer than its fields', async () => {
    const long = toldOf({ title: 'x'.repeat(400), message: 'y'.repeat(20_000), subjectName: 'z'.repeat(300) });
    expect(await send(messageOf([long]))).toMatchObject({ state: 'sent' });
    expect(await DESKS[kind](played.url).findByReference(played.tickets[0]!.reference)).toBe('17000');
  });
  test('refuses what it does not know: the contract is not green on a server that takes anything', async () => {
    await expect(DESKS[kind](`${played.url}/elsewhere`).findByReference('HF-1')).rejects.toThrow(DeskFailure);
    await expect(DESKS[kind](played.url).updateTicket('999', { title: 'x', text: 'y' })).rejects.toThrow(DeskFailure);
    expect(await DESKS[kind](played.url).findByReference('HF-UNKNOWN')).toBeUndefined();
  });
});
