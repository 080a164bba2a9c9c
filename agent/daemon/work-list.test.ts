import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import type { AgentCommand, HeartbeatResponse } from '../../core/protocol/messages.ts';
import { WorkList } from './work-list.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-work-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (): Promise<WorkList> => WorkList.load(folder, silentLog);
const answerWith = (commands: AgentCommand[], due: HeartbeatResponse['due'] = null): HeartbeatResponse => ({
  serverTimeMs: 0,
  nextInSeconds: 60,
  due,
  commands,
});
const backupNow = (): AgentCommand => ({ id: newId(), kind: 'backup_now' });
const restore = (): AgentCommand => ({
  id: newId(),
  kind: 'restore',
  grantId: newId(),
  snapshotId: '0'.repeat(64),
  paths: [],
  targetPath: '/tmp/x',
});

test('an accepted command outlives a crash, is handed out in order, and comes back no second time', async () => {
  const [first, second] = [backupNow(), backupNow()];
  const list = await load();
  await list.accept(answerWith([first, second]), 1);
  const again = await load();
  await again.accept(answerWith([first]), 2);
  expect(again.nextCommand).toEqual(first);
  await again.endCommand(first.id, { state: 'done', message: 'x'.repeat(5000) });
  expect(again.nextCommand).toEqual(second);
  const third = await load();
  await third.accept(answerWith([first]), 3);
  expect(third.nextCommand).toEqual(second);
  expect(third.unsentResults).toMatchObject([{ id: first.id, result: { state: 'done' } }]);
  await third.confirmResult(first.id);
  expect((await load()).unsentResults).toEqual([]);
});

test('a backup that a crash cut short is made again; a restore that had begun is reported, not repeated', async () => {
  const [backup, begun, waiting] = [backupNow(), restore(), restore()];
  const list = await load();
  await list.accept(answerWith([backup, begun, waiting]), 1);
  await list.beginCommand(backup.id);
  await list.beginCommand(begun.id);
  const next = await load();
  expect(next.nextCommand).toEqual(backup);
  expect(next.unsentResults).toMatchObject([{ id: begun.id, result: { state: 'failed' } }]);
  await next.endCommand(backup.id, { state: 'done', message: '' });
  expect(next.nextCommand).toEqual(waiting);
});

test('what is due stays due until it is done or something newer is', async () => {
  const one = { occurrenceId: newId(), sourceId: newId(), dueMs: 1 };
  const two = { ...one, occurrenceId: newId(), dueMs: 2 };
  const list = await load();
  await list.accept(answerWith([], one), 1);
  await list.accept(answerWith([]), 2);
  expect((await load()).due).toEqual(one);
  await list.accept(answerWith([], two), 3);
  await list.endDue(one.occurrenceId);
  expect((await load()).due).toEqual(two);
  await list.endDue(two.occurrenceId);
  expect((await load()).due).toBeNull();
});
