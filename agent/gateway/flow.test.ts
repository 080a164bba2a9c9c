import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';
import { createLimit } from './limit.ts';

const tick = (ms = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a limit runs so many at once and no more, all of them, in order, whatever fails', async () => {
  const limit = createLimit(3);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const tasks = Array.from({ length: 20 }, (_, at) =>
    limit(async () => {
      begun.push(at);
      most = Math.max(most, ++running);
      await tick();
      running -= 1;
      if (at % 4 === 0) throw new Error(String(at));
      return at;
    }),
  );
  const results = await Promise.allSettled(tasks);
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
});

test('a batch holds what came together, never more than its bound, each with its own result', async () => {
  const sizes: number[] = [];
  const batcher = createBatcher<number, string>({ itemsMax: 8, gatherMs: 5 }, async (items) => {
    sizes.push(items.length);
    return items.map(String);
  });
  expect(await Promise.all(Array.from({ length: 20 }, (_, at) => batcher.add(at)))).toEqual(
    Array.from({ length: 20 }, (_, at) => String(at)),
  );
  expect(sizes).toEqual([8, 8, 4]);
});

test('a failing batch fails its own items alone, and one that is answered with too little hangs nobody', async () => {
  let calls = 0;
  const batcher = createBatcher<number, string>({ itemsMax: 2, gatherMs: 1 }, async (items) => {
    calls += 1;
    if (calls === 1) throw new Error('down');
    return items.slice(1).map(String);
  });
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => batcher.add(item)));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'rejected']);
});
