import { expect, test } from 'vitest';
import { createMemoryStore } from '../memory-store.ts';
import { bytesOf, keysOf, streamOf } from './conformance.ts';
import { createFaultyStore } from './faulty-store.ts';

test('without a plan everything passes through', async () => {
  const store = createFaultyStore(createMemoryStore());
  expect(await store.create('a', bytesOf('hello'))).toBe('created');
  expect(Buffer.from(await store.get('a')).toString()).toBe('hello');
  expect(store.struck).toEqual([]);
  expect(store.calls).toEqual({ head: 0, get: 1, stream: 0, list: 0, create: 1, remove: 0 });
});

test('a failure before leaves nothing, a failure after is a lost answer', async () => {
  const inner = createMemoryStore();
  const store = createFaultyStore(inner, [
    { operation: 'create', nth: 1, effect: 'fail_before' },
    { operation: 'create', nth: 2, effect: 'fail_after' },
  ]);
  await expect(store.create('a', bytesOf('x'))).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(inner.objectCount).toBe(0);
  await expect(store.create('a', bytesOf('x'))).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(inner.objectCount).toBe(1);
  expect(await store.create('a', bytesOf('x'))).toBe('exists');
  expect(store.struck).toEqual(['create 1 a: fail_before', 'create 2 a: fail_after']);
});

test('flips, truncates and hides what is read, only for the named keys', async () => {
  const inner = createMemoryStore();
  for (const key of ['data/a', 'index/a']) await inner.create(key, bytesOf('0123456789'));
  const store = createFaultyStore(inner, [
    { operation: 'get', key: 'data/', nth: 2, effect: 'flip' },
    { operation: 'get', key: /^index/, nth: 1, effect: 'truncate', isLasting: true },
    { operation: 'head', nth: 1, effect: 'missing' },
    { operation: 'stream', nth: 1, effect: 'truncate' },
    { operation: 'list', nth: 1, effect: 'truncate' },
  ]);
  const read = async (key: string) => Buffer.from(await store.get(key)).toString();
  expect(await read('data/a')).toBe('0123456789');
  expect(await read('data/a')).toBe('0123446789');
  expect(await read('data/a')).toBe('0123456789');
  expect(await read('index/a')).toBe('01234');
  expect(await read('index/a')).toBe('01234');
  expect(await store.head('data/a')).toBeUndefined();
  expect((await store.head('data/a'))!.size).toBe(10);
  expect((await streamOf(store, 'data/a')).length).toBe(5);
  expect(await keysOf(store, '')).toEqual(['data/a']);
  expect(await keysOf(store, '')).toEqual(['data/a', 'index/a']);
});

test('can store damaged bytes behind the back of the checksum', async () => {
  const inner = createMemoryStore();
  const store = createFaultyStore(inner, [{ operation: 'create', nth: 1, effect: 'flip' }]);
  await store.create('a', bytesOf('0123456789'));
  expect(Buffer.from(await inner.get('a')).toString()).toBe('0123446789');
});
