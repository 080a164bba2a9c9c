import { expect, test } from 'vitest';
import { NOTHING_STORED } from '../../../core/domain/integrity.ts';
import type { DamageLine } from '../../../server/integrity/queries.ts';
import { coverageWords, damageStateWords, damageSteps, integritySentence, readTwiceTitle } from './integrity-words.ts';

const sums = (verifiedBytes: number) => ({ ...NOTHING_STORED, storedBytes: 1000, verifiedBytes, objects: 3 });
const levels = (verified: number) => ({ 0: sums(verified), 1: sums(verified), 2: sums(verified) });

const damage = (changes: Partial<DamageLine>): DamageLine => ({
  id: 'x',
  state: 'repairing',
  deviceId: 'd',
  deviceName: 'Desk',
  customerName: 'Clinic',
  foundMs: 1,
  endedMs: null,
  objects: [],
  objectsTotal: 1,
  impact: null,
  isAcceptable: false,
  accepted: null,
  events: [
    { kind: 'found', atMs: 1, data: {} },
    { kind: 'traced', atMs: 2, data: {} },
    { kind: 'asked', atMs: 3, data: {} },
  ],
  ...changes,
});

test('the sentence says the worst first, and claims all only when it is all', () => {
  const calm = { damages: [], lockedTotal: 0, lostTotal: 0 };
  expect(integritySentence({ ...calm, levels: levels(1000) })).toContain('Every stored byte');
  expect(integritySentence({ ...calm, levels: levels(999) })).toContain('99 %');
  expect(integritySentence({ ...calm, lockedTotal: 2, levels: levels(1000) })).toContain('2 restore points are locked');
  expect(integritySentence({ ...calm, damages: [damage({})], lockedTotal: 1, levels: levels(1000) })).toMatch(
    /damaged.*1 restore point is/,
  );
  expect(integritySentence({ ...calm, levels: { 0: NOTHING_STORED, 1: NOTHING_STORED, 2: NOTHING_STORED } })).toContain(
    'yet',
  );
  expect(integritySentence({ ...calm, lockedTotal: 2, lostTotal: 2, levels: levels(1000) })).toContain('lost for good');
  const unaccepted = damage({ state: 'lost', endedMs: 9, isAcceptable: true });
  expect(integritySentence({ ...calm, damages: [unaccepted], lockedTotal: 1, levels: levels(1000) })).toMatch(
    /cannot be repaired.*waits for an owner/,
  );
  expect(coverageWords(sums(999.9))).toBe('99 %');
});

test('the steps of a repair follow its history: what is done, what runs now, what waits', () => {
  const states = (one: DamageLine) => damageSteps(one, String).map(({ state }) => state);
  expect(states(damage({}))).toEqual(['done', 'done', 'done', 'running', 'waiting', 'waiting']);
  const lost = damage({
    state: 'lost',
    endedMs: 9,
    events: [
      ...damage({}).events,
      { kind: 'sent', atMs: 4, data: {} },
      { kind: 'checked', atMs: 5, data: {} },
      { kind: 'ended', atMs: 9, data: {} },
    ],
  });
  // A loss is over when somebody has accepted it.
  expect(states(lost)).toEqual(['done', 'done', 'done', 'done', 'done', 'failed', 'running']);
  const accepted = { byName: 'Hanna', atMs: 10, reason: 'It burned.' };
  const events: DamageLine['events'] = [...lost.events, { kind: 'accepted', atMs: 10, data: {} }];
  expect(states({ ...lost, accepted, events }).at(-1)).toBe('done');
});

test('an end that nobody has worked for says how it came about', () => {
  const end = (how: string) =>
    damage({ state: 'repaired', endedMs: 9, events: [{ kind: 'ended', atMs: 9, data: { how } }] });
  expect(damageSteps(end('reads_well_again'), String).at(-1)).toMatchObject({
    name: 'Whole again',
    note: 'It was read again and is what was stored: the storage was mended.',
  });
  expect(damageSteps(end('repaired'), String).at(-1)?.note).toBeUndefined();
});

test('what was hit is told as it was found, also when some of it came back', () => {
  const traced = { blobsTotal: 3, filesTotal: 3, snapshotsTotal: 2, isComplete: true };
  const events: DamageLine['events'] = [
    { kind: 'found', atMs: 1, data: {} },
    { kind: 'traced', atMs: 2, data: traced },
  ];
  const left = { ...traced, filesTotal: 1, snapshotsTotal: 1, blobs: [], files: [], snapshots: [] };
  const words = (changes: Partial<DamageLine>) => damageSteps(damage({ events, ...changes }), String)[1]?.note;
  expect(words({})).toBe('3 pieces, 3 files, 2 restore points');
  expect(words({ state: 'lost', endedMs: 9, impact: left })).toBe('3 pieces, 3 files, 2 restore points');
  expect(words({ events: [events[0]!, { kind: 'traced', atMs: 2, data: { ...traced, isComplete: false } }] })).toMatch(
    /or more$/,
  );
  expect(words({ events: [events[0]!, { kind: 'untraced', atMs: 2, data: {} }] })).toContain('Only the customer');
});

test('what no machine can repair is said to be for a person', () => {
  const events: DamageLine['events'] = [
    { kind: 'found', atMs: 1, data: {} },
    { kind: 'traced', atMs: 2, data: {} },
  ];
  expect(damageStateWords(damage({ state: 'found', events }))).toContain('A person');
  expect(damageStateWords(damage({}))).toBe('The machine sends it again');
  expect(damageStateWords(damage({ isAcceptable: true }))).toContain('has not answered for a week');
  expect(damageStateWords(damage({ state: 'found', events: events.slice(0, 1) }))).toContain('Looking');
});

test('a machine that could not is quoted until it is asked again', () => {
  const refused = damage({
    events: [...damage({}).events, { kind: 'refused', atMs: 4, data: { message: 'The disk is full.' } }],
  });
  expect(damageSteps(refused, String)[2]?.note).toContain('The disk is full.');
  const again = damage({ events: [...refused.events, { kind: 'asked', atMs: 5, data: {} }] });
  expect(damageSteps(again, String)[2]?.note).toBeUndefined();
});

test('what was wrong once is told with its device, or their number', () => {
  const of = (deviceName: string, objects: number) => ({ deviceId: deviceName, deviceName, objects });
  expect(readTwiceTitle([of('NAS', 1)])).toBe('1 stored object of NAS was wrong once, and right when read again');
  expect(readTwiceTitle([of('NAS', 1), of('DESK', 4)])).toBe(
    '5 stored objects of 2 devices were wrong once, and right when read again',
  );
});
