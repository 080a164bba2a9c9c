/** Keys: each opens the repository with its own password, and nobody is locked out. */
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { initRepository, openRepository } from '../repository.ts';
import type { AdministeredRepository } from '../types.ts';
import { addKey, changePassword, listKeys, removeKey } from './keys.ts';

const keyOf = (password: string) =>
  ({ password, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock }) as const;
let store: MemoryStore;
let repo: AdministeredRepository;
beforeEach(async () => {
  store = createMemoryStore();
  repo = { ...(await initRepository(store, keyOf('first'))), store };
});

test('a key that was added opens the same repository, and a removed one opens nothing', async () => {
  const id = await addKey(repo, keyOf('second'));
  const second = await openRepository(store, 'second');
  expect(second).toMatchObject({ keyId: id, config: repo.config });
  const inUse = new Map((await listKeys(second)).keys.map((key) => [key.id, key.isInUse]));
  expect(inUse).toEqual(
    new Map([
      [id, true],
      [repo.keyId, false],
    ]),
  );
  expect(await removeKey(second, repo.keyId.slice(0, 12))).toBe(repo.keyId);
  await expect(openRepository(store, 'first')).rejects.toMatchObject({ code: 'wrong_password' });
  expect((await openRepository(store, 'second')).keyId).toBe(id);
});

test('the key in use, which may be the last one, is never removed, and neither is one that is not there', async () => {
  await expect(removeKey(repo, repo.keyId)).rejects.toMatchObject({ code: 'conflict' });
  await expect(removeKey(repo, 'ffff')).rejects.toMatchObject({ code: 'not_found' });
  await expect(removeKey(repo, '')).rejects.toMatchObject({ code: 'not_found' });
  expect((await openRepository(store, 'first')).keyId).toBe(repo.keyId);
});

test('there are at most twenty, because restic tries no more; the twenty-first is refused', async () => {
  for (let at = 1; at < 20; at += 1) await addKey(repo, keyOf(`${at}`));
  await expect(addKey(repo, keyOf('too many'))).rejects.toMatchObject({ code: 'conflict' });
  expect((await listKeys(repo)).keys).toHaveLength(20);
  // An exchange still works, and the new one is found among the twenty.
  await changePassword(repo, keyOf('changed'));
  expect((await openRepository(store, 'changed')).config.id).toBe(repo.config.id);
});

test('a changed password opens, the old one does not; whatever fails in between, one of them does', async () => {
  const whole = createFaultyStore(store);
  await changePassword({ ...repo, store: whole }, keyOf('new'));
  await expect(openRepository(store, 'first')).rejects.toMatchObject({ code: 'wrong_password' });
  expect((await openRepository(store, 'new')).config.id).toBe(repo.config.id);
  for (const operation of ['create', 'get', 'list', 'remove'] as const) {
    for (let nth = 1; nth <= whole.calls[operation]; nth += 1) {
      for (const effect of ['fail_before', 'fail_after'] as const) {
        const opened = await openRepository(store, 'new');
        const faulty = createFaultyStore(store, [{ operation, nth, effect }]);
        await expect(changePassword({ ...opened, store: faulty }, keyOf('newer'))).rejects.toThrow();
        const answers = await Promise.allSettled([openRepository(store, 'new'), openRepository(store, 'newer')]);
        expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
        if (answers[0].status === 'rejected') await changePassword(await openRepository(store, 'newer'), keyOf('new'));
      }
    }
  }
});

test('a key that does not read back as it was written is told, and the one in use stays', async () => {
  const faulty = createFaultyStore(store, [{ operation: 'create', nth: 1, effect: 'flip' }]);
  await expect(changePassword({ ...repo, store: faulty }, keyOf('new'))).rejects.toMatchObject({
    code: 'repository_damaged',
  });
  expect((await openRepository(store, 'first')).keyId).toBe(repo.keyId);
  expect((await listKeys(repo)).damaged).toHaveLength(1);
});
