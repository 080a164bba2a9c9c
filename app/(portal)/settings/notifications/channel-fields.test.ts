import { expect, test } from 'vitest';
import { CHANNEL_KINDS, CHANNEL_SECRETS, CHANNEL_SETTINGS } from '../../../../core/domain/delivery/channel-kinds.ts';
import { CHANNEL_FIELDS, initialOf, valuesOf } from './channel-fields.ts';

const customers = [{ id: '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee', name: 'Lindqvist Dental' }];

test('the form of every kind asks for exactly what the server wants of it', () => {
  for (const kind of CHANNEL_KINDS) {
    const asked = CHANNEL_FIELDS[kind].map(({ name }) => name).sort();
    const signed = kind === 'webhook' ? ['signingSecret'] : [];
    const wanted = [...Object.keys(CHANNEL_SETTINGS[kind].shape), ...Object.keys(CHANNEL_SECRETS[kind].shape)];
    expect(asked, kind).toEqual(wanted.filter((name) => !signed.includes(name)).sort());
    for (const { name, form } of CHANNEL_FIELDS[kind])
      expect(form === 'secret', `${kind} ${name}`).toBe(name in CHANNEL_SECRETS[kind].shape);
  }
});

test('what is stored comes back into the form as it was typed', () => {
  const fields = CHANNEL_FIELDS.halopsa;
  const typed = {
    url: 'https://x.halopsa.com',
    clientId: 'c',
    ticketTypeId: '1',
    closedStatusId: '9',
    defaultCompany: '1',
    companies: 'lindqvist dental = 18',
  };
  const values = valuesOf(fields, typed, customers);
  if (typeof values === 'string') throw new Error(values);
  expect(values.settings['companies']).toEqual({ [customers[0]!.id]: '18' });
  expect('tenant' in values.settings).toBe(false);
  const companies = fields.find(({ name }) => name === 'companies')!;
  expect(initialOf(companies, values.settings, customers)).toBe('Lindqvist Dental = 18');
  expect(valuesOf(fields, { ...typed, companies: 'Nobody = 1' }, customers)).toMatch(/no customer called “Nobody”/);
});
