import { expect, test } from 'vitest';
import type { QueuesView, QueueView } from '../../../../server/queues/view.ts';
import { queuesSentence } from './queues-sentence.ts';

const nowMs = 1_800_000_000_000;
const queue = (name: QueueView['queue'], change: Partial<QueueView> = {}): QueueView => ({
  queue: name,
  name,
  about: '',
  state: 'running',
  waiting: 0,
  running: 0,
  doneLastHour: 0,
  dead: 0,
  oldestMs: null,
  canaryReturnedMs: nowMs,
  roundTripMs: 10,
  workers: 1,
  slots: 2,
  ...change,
});
const still = (name: QueueView['queue']) => ({
  id: name,
  queue: name,
  title: `${name} stands still`,
  message: '',
  openedMs: nowMs,
});
const view = (change: Partial<QueuesView> = {}): QueuesView => ({
  nowMs,
  queues: [queue('seal'), queue('verify')],
  alerts: [],
  deadLetters: [],
  deadTotal: 0,
  ...change,
});

test.each<[string, Partial<QueuesView>, string]>([
  ['all is well', {}, 'Every queue runs, and nothing waits long.'],
  [
    'a long wait',
    { queues: [queue('seal', { oldestMs: nowMs - 12 * 60_000 }), queue('verify')] },
    'Every queue runs; the longest wait is 12 min.',
  ],
  ['one stands still', { alerts: [still('seal')], deadTotal: 3 }, 'seal stands still; the other queues run.'],
  [
    'all stand still',
    { alerts: [still('seal'), still('verify')] },
    'No queue runs: nothing is sealed, checked or tested.',
  ],
  ['a dead letter', { deadTotal: 1 }, '1 job was given up; everything else is being worked off.'],
  ['dead letters', { deadTotal: 1200 }, '1,200 jobs were given up; everything else is being worked off.'],
  [
    'a late canary',
    { queues: [queue('seal', { state: 'unknown' }), queue('verify')] },
    'Nothing is known of 1 queue just now; the others run.',
  ],
])('the sentence says the worst first: %s', (_, change, sentence) => {
  expect(queuesSentence(view(change))).toBe(sentence);
});
