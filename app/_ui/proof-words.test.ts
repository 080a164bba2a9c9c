import { expect, test } from 'vitest';
import { COVERAGE_STATES } from '../../core/domain/drill-coverage.ts';
import type { ProofSource } from '../../server/drills/view-proof.ts';
import { findingWords, proofSentence, proofWord, recoveryWords, testSentence } from './proof-words.ts';

const HOUR = 3_600_000;
const nowMs = 100 * HOUR;
const proof: NonNullable<ProofSource['proof']> = {
  drillId: 'd',
  level: 3,
  endedMs: 98 * HOUR,
  captureMs: 97 * HOUR,
  files: 50,
  bytes: 2_000_000,
  tookMs: 3200,
  wholeMs: 240_000,
  isEstimated: true,
};
const source = (state: ProofSource['state'], with_: ProofSource['proof'] = proof): ProofSource => ({
  ...{ sourceId: 's', sourceName: 'desk', deviceId: 'd', deviceName: 'desk', rtoTargetMs: 4 * HOUR },
  state,
  proof: with_,
});

test('only what was tested as agreed is called recovered, and only that is green', () => {
  expect(proofSentence({ nowMs, sources: [source('proven')] })).toBe(
    'Your system was recovered in a test, last 2 h ago, and it came back as it was.',
  );
  for (const state of COVERAGE_STATES.filter((one) => one !== 'proven')) {
    const sentence = proofSentence({ nowMs, sources: [source('proven'), source(state)] });
    expect(sentence, state).not.toMatch(/^(All|Your system was)/);
    expect(proofSentence({ nowMs, sources: [source(state)] }), state).not.toContain('it came back as it was');
    expect(proofWord(source(state)).tone, state).not.toBe('good');
  }
  expect(proofWord(source('proven')).tone).toBe('good');
});

test('what was never tested says so, and is neither green nor red', () => {
  expect(proofWord(source('never', null))).toMatchObject({ word: 'Not yet proven', tone: 'mute' });
  expect(proofWord(source(undefined, null)).word).toBe('Not yet proven');
  expect(proofSentence({ nowMs, sources: [source('never', null)] })).toContain('nothing is proven');
  expect(proofSentence({ nowMs, sources: [] })).toContain('Nothing is protected');
  expect(recoveryWords(source('never', null))).toBeNull();
});

test('an estimate is called one, and a measured recovery is not', () => {
  expect(recoveryWords(source('proven'))).toBe(
    '50 files (2.00 MB) came back in 3.2 s. Everything would take about 4 min, by estimate; the agreed limit is 4 h.',
  );
  expect(recoveryWords(source('proven', { ...proof, isEstimated: false, wholeMs: 3200 }))).not.toContain('estimate');
});

test('a failure is said in words, and whether it was mended', () => {
  const base = {
    drillId: 'd',
    deviceName: 'x',
    level: 4,
    runner: 'service',
    endedMs: 0,
    captureMs: 0,
    bytes: 1,
    tookMs: 1,
  } as const;
  expect(testSentence({ ...base, state: 'failed', filesMatched: 48, filesPlanned: 50 })).toMatch(/^2 files of 50/);
  expect(testSentence({ ...base, state: 'void', filesMatched: 0, filesPlanned: 0 })).toContain('neither way');
  const finding = {
    id: 'x',
    deviceName: 'x',
    foundMs: 0,
    what: null,
    remedy: null,
    isLost: false,
    accepted: null,
  } as const;
  expect(findingWords({ ...finding, kind: 'drill', mendedMs: null }).became).toContain('Not mended');
  expect(findingWords({ ...finding, kind: 'damage', mendedMs: 1 }).became).toContain('Mended');
  expect(findingWords({ ...finding, kind: 'damage', mendedMs: null, isLost: true }).became).toContain('could not');
  const accepted = { byName: 'Hanna', atMs: 1, reason: 'It burned.' };
  const lost = findingWords({ ...finding, kind: 'damage', mendedMs: null, isLost: true, accepted }).became;
  expect(lost).toContain('lost for good');
  expect(lost).not.toContain('will speak with you');
});
