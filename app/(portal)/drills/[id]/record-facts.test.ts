import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { EvidenceRecord } from '../../../../core/evidence/record.ts';
import { CUSTOMER, drillBody, hex, PROVIDER } from '../../../../core/evidence/testing/make-test-bundle.ts';
import { recordFacts } from './record-facts.ts';

const frame = {
  format: 'holdfast-evidence',
  version: 1,
  id: randomUUID(),
  provider: PROVIDER,
  customer: CUSTOMER,
  sequence: 1,
  previous: hex('0'),
  at: '2026-11-21T10:00:00.000Z',
  about: null,
  key: hex('e'),
} as const;
const factsOf = (record: EvidenceRecord): Record<string, string> =>
  Object.fromEntries(recordFacts(record, 'UTC').map(({ key, value }) => [key, value]));

test('a passed drill is told by its own fields: result, depth, amount, times and who restored', async () => {
  const facts = factsOf({ ...frame, kind: 'drill', body: await drillBody() });
  expect(facts['Result']).toBe('Passed: 1 of 1 restored file as the machine saw them');
  expect(facts['Level']).toMatch(/^3 of 3 asked for: Files were restored/);
  expect(facts['Amount']).toContain('1 file (3 bytes) of 9 files');
  expect(facts['Time to recover']).toMatch(/^2 ms \(waiting for a worker 1 ms\)/);
  expect(facts['Performed']).toBe('by the service, in a sandbox, as the policy asks');
  expect(facts['Compared with']).toContain('that the machine itself has signed');
  expect(facts).not.toHaveProperty('Did not match');
});

test('what failed, was weaker or not confined is never left out', async () => {
  const body = await drillBody();
  const facts = factsOf({
    ...frame,
    kind: 'drill',
    body: {
      ...body,
      manifest: null,
      level: { asked: 4, reached: 0 },
      result: {
        ...{ ...body.result, verdict: 'failed', message: 'A file is gone.', filesMatched: 0 },
        mismatches: [{ path: '/srv/a', expected: 'x', actual: null, problem: 'missing' }],
      },
      performer: { ...body.performer, kind: 'agent', orderedBy: { id: randomUUID(), name: 'Hanna' } },
      sandbox: { layers: [], warnings: ['It was not cut off.'] },
    },
  });
  expect(facts['Result']).toBe('Failed: 0 of 1 restored file as the machine saw them. A file is gone.');
  expect(facts['Level']).toBe('0 of 4 asked for');
  expect(facts['Did not match']).toBe('/srv/a');
  expect(facts['Weaker than it should be']).toBe('It was not cut off.');
  expect(facts['Confined by']).toContain('nothing');
  expect(facts['Performed']).toBe('on the customer’s own machine, ordered by Hanna');
  expect(facts['Compared with']).toBe('hashes that the service holds');
});

test('what a person said stands in their words', () => {
  const by = { id: randomUUID(), name: 'Hanna' };
  const facts = factsOf({
    ...frame,
    kind: 'drill_voided',
    body: { drillId: randomUUID(), by, words: 'The wrong machine.' },
  });
  expect(facts).toMatchObject({ What: 'Withdrawn by Hanna', Said: 'The wrong machine.' });
});
