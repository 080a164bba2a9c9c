import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chosenWords, toggleWord } from './facet-terms.ts';
import { EVERY_DEVICE } from './filter.ts';
import { FilterError } from './filter-error.ts';
import { type FleetRecord, matchFilter } from './match-filter.ts';
import { parseFilter } from './parse-filter.ts';
import { printFilter } from './print-filter.ts';
import { suggestFilter } from './suggest-filter.ts';
import { randomFilter } from './testing/random-filter.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const record: FleetRecord = {
  name: 'SRV-SQL',
  host: 'srv-sql.hill.local',
  customer: 'Hill Dental',
  policy: 'Servers',
  os: 'linux',
  agent: '1.4.2',
  tags: ['server', 'sql'],
  custody: 'escrowed',
  note: 'Replace the UPS',
  own: { site: 'Oslo', seats: 12, renewal: '2026-12-31' },
  status: 'missed',
  last: 'missed',
  run: 'sealed',
  flags: ['alerting', 'overdue'],
  dataAtMs: NOW - 30 * HOUR,
  proofAtMs: null,
  ranAtMs: NOW - 30 * HOUR,
  seenAtMs: NOW - 31 * HOUR,
  enrolledAtMs: NOW - 1000 * HOUR,
  nextAtMs: NOW + 2 * HOUR,
  targetMs: 24 * HOUR,
  rtoMs: null,
  level: null,
  sizeBytes: 5e9,
  addedBytes: null,
  alerts: 1,
  damage: 0,
};
const matches = (text: string): boolean => matchFilter(parseFilter(text).where, record, NOW);
const errorOf = (text: string): FilterError => {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`No error in ${text}`);
};

test('each kind of condition says yes to what it means and no to the rest', () => {
  const yes = [
    '',
    'status:missed',
    'status:failed,missed',
    'missed',
    '(missed or stuck) -excused',
    'customer:"Hill Dental"',
    'customer:hill',
    'customer="hill dental"',
    'srv hill',
    '"srv-sql"',
    'rpo>24h',
    'rpo>1d5h',
    'age>=30h',
    'proof>30d',
    'proof:none',
    'level<3',
    'level:0',
    'tag:server',
    'tag:server,laptop',
    'agent<1.5',
    'agent>=1.4',
    'agent<1.10',
    'size>4.9GB',
    'added<1GB',
    'next<3h',
    'rto:none',
    'is:overdue is:alerting',
    'not status:proven',
    'enrolled>30d',
    'name:x or name:sql',
  ];
  const no = [
    'status:failed',
    'proven',
    'customer=hill',
    '"hill  dental"',
    'rpo<24h',
    'proof<900d',
    'rto>1s',
    'rto<900d',
    'level>0',
    'tag:serv',
    'agent<1.4',
    'agent=1.4',
    'size>5GB',
    'is:busy',
    '-missed',
    'name:x name:sql',
    'proof:none seen:none',
  ];
  expect(yes.filter((text) => !matches(text))).toEqual([]);
  expect(no.filter((text) => matches(text))).toEqual([]);
});

test('or binds weaker than neighbours, and brackets bind both', () => {
  expect(matches('proven customer:x or missed')).toBe(true);
  expect(matches('(missed or proven) customer:x')).toBe(false);
  expect(matches('-(missed or proven)')).toBe(false);
  expect(matches('missed and customer:hill and not proven')).toBe(true);
});

test('an order is read apart from the conditions', () => {
  expect(parseFilter('sort:-proof')).toEqual({ where: null, sort: { by: 'proof', isDescending: true } });
  expect(parseFilter('missed sort:customer').sort).toEqual({ by: 'customer', isDescending: false });
  expect(parseFilter('')).toEqual(EVERY_DEVICE);
});

test('what is wrong is said in plain words, with its place', () => {
  const cases: [string, string, RegExp][] = [
    ['staus:failed', 'staus', /no field “staus”\. Did you mean “status”/],
    ['status:faild', 'faild', /Did you mean “failed”/],
    ['rpo>24', '24', /no length of time; write 30min/],
    ['rpo:24h', 'rpo:24h', /more or less/],
    ['level<high', 'high', /no whole number/],
    ['customer:"Hill', '"Hill', /never closed/],
    ['(missed', '(missed', /bracket is never closed/],
    ['missed)', ')', /no opening bracket/],
    ['a or', 'or', /between two conditions/],
    ['and a', 'and', /between two conditions/],
    ['a -', '-', /must not be the case/],
    ['()', '()', /nothing between/],
    ['sort:colour', 'colour', /cannot be sorted by/],
    ['sort:name sort:proof', 'sort:proof', /an order already/],
    ['(sort:name)', 'sort:name', /outside of brackets/],
    ['name:none', 'name:none', /Every device has/],
    ['tag:', 'tag:', /value is missing/],
    ['agent<new', 'new', /no version/],
    ['size>9xb', '9xb', /no size/],
    ['rpo>200000d', '200000d', /hundred years/],
  ];
  for (const [text, place, message] of cases) {
    const error = errorOf(text);
    expect([text, text.slice(error.start, error.end)]).toEqual([text, place]);
    expect(error.message).toMatch(message);
  }
  expect(errorOf('('.repeat(100)).message).toMatch(/nested too deep/);
  expect(errorOf(`"${'a'.repeat(3000)}"`).message).toMatch(/at most 2000/);
});

test('every filter is printed as a text that means the same', () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(randomFilter, (filter) => {
      expect(parseFilter(printFilter(filter))).toEqual(filter);
    }),
    { seed, numRuns: 2000 },
  );
});

test('a click on a facet adds its word, a second one takes it away, and the rest stays', () => {
  const first = toggleWord(parseFilter('rpo>24h sort:name'), 'status', 'failed');
  expect(printFilter(first)).toBe('rpo>1d status:failed sort:name');
  const both = toggleWord(first, 'status', 'missed');
  expect(printFilter(both)).toBe('rpo>1d status:failed,missed sort:name');
  expect(chosenWords(both, 'status')).toEqual(['failed', 'missed']);
  expect(printFilter(toggleWord(toggleWord(both, 'status', 'failed'), 'status', 'missed'))).toBe('rpo>1d sort:name');
  expect(printFilter(toggleWord(EVERY_DEVICE, 'customer', 'Hill Dental'))).toBe('customer="hill dental"');
  // One inside an `or` is no choice of the whole list.
  expect(printFilter(toggleWord(parseFilter('status:late or rpo>1d'), 'status', 'failed'))).toBe(
    '(status:late or rpo>1d) status:failed',
  );
});

test('suggestions complete what is being typed', () => {
  const texts = (text: string): string[] =>
    suggestFilter(text, text.length, { customer: ['Hill Dental', 'Hillside'], tag: ['server'] }).map(
      (one) => text.slice(0, one.start) + one.text,
    );
  expect(texts('sta')).toEqual(['status:']);
  expect(texts('missed pro')).toEqual(['missed proof>']);
  expect(texts('status:failed,mis')).toEqual(['status:failed,missed']);
  expect(texts('customer:hill')).toEqual(['customer:"Hill Dental"', 'customer:Hillside']);
  expect(texts('customer:"Hill D')).toEqual(['customer:"Hill Dental"']);
  expect(texts('-tag:s')).toEqual(['-tag:server']);
  expect(texts('sort:-pr')).toEqual(['sort:-proof']);
  expect(texts('"sta')).toEqual([]);
  expect(texts('(rpo>')).toContain('(rpo>24h');
});

test('a column of one’s own is asked for by its word: a part of it, the whole, more or less, or nothing', () => {
  for (const yes of ['my.site:osl', 'my.site=oslo', 'my.site!=bergen', 'my.seats>11', 'my.seats<=12', 'my.seats:12'])
    expect(matches(yes), yes).toBe(true);
  for (const yes of [
    'my.renewal<2027-01-01',
    'my.renewal>=2026-12-31',
    'my.none_such:none',
    '-my.site:none',
    'MY.site:x,oslo',
  ])
    expect(matches(yes), yes).toBe(true);
  // Of another kind, or nothing at all, is neither more nor less.
  for (const no of [
    'my.site>5',
    'my.seats>2026-01-01',
    'my.none_such>5',
    'my.none_such<5',
    'my.none_such:x',
    'my.site=osl',
  ])
    expect(matches(no), no).toBe(false);
  expect(matches('note:ups')).toBe(true);
  expect(matches('note:none')).toBe(false);
  expect(errorOf('my.seats>many').message).toContain('neither a number nor a date');
  expect(errorOf('my.renewal<2026-02-31').message).toContain('neither a number nor a date');
  expect(errorOf('my.site:').message).toContain('A value is missing');
  // A word with a dot that is no such column is looked for as it is.
  expect(parseFilter('srv.local').where).toEqual({ kind: 'text', text: 'srv.local' });
});

test('columns of one’s own are suggested by their word and by what people call them, and so are their choices', () => {
  const own = [{ key: 'site', label: 'Office', choices: ['Oslo', 'New York'] }];
  expect(suggestFilter('my.', 3, { own })[0]).toMatchObject({ text: 'my.site:', meaning: 'Office' });
  expect(suggestFilter('offi', 4, { own })[0]).toMatchObject({ text: 'my.site:' });
  expect(suggestFilter('my.site:new', 11, { own })).toMatchObject([{ text: '"New York"', start: 8 }]);
});
