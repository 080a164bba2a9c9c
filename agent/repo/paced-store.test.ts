import { expect, test } from 'vitest';
import { manualClock } from '../../core/base/clock.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import { pacedStore } from './paced-store.ts';

test('transfers wait for the time that their bytes take at the rate, one behind the other, and each way by itself', async () => {
  const clock = manualClock(1000);
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const store = pacedStore(createMemoryStore(), {
    upBytesPerSecond: 1000,
    downBytesPerSecond: 500,
    clock,
    sleep,
  });
  await store.create('a', Buffer.alloc(2000));
  await store.create('b', Buffer.alloc(1000));
  expect(waits).toEqual([2000, 3000]);
  clock.advance(10_000);
  await store.create('c', Buffer.alloc(500));
  await store.get('a');
  for await (const _ of store.stream('b')) clock.advance(0);
  expect(waits.slice(2)).toEqual([500, 4000, 6000]);
});

test('a way without a rate waits for nothing', async () => {
  const sleep = (): Promise<void> => Promise.reject(new Error('slept'));
  const rates = { upBytesPerSecond: undefined, downBytesPerSecond: undefined };
  const store = pacedStore(createMemoryStore(), { ...rates, clock: manualClock(0), sleep });
  await store.create('a', Buffer.from('x'));
  expect(Buffer.from(await store.get('a')).toString()).toBe('x');
});
