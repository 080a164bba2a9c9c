import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyState, loadState, saveState } from './agent-state.ts';
import { stateWriteError, writeFileAtomic } from './atomic-file.ts';
import { rewriteCanary } from './canary.ts';
import { findIdentity, loadIdentity } from './identity.ts';
import { createSequence, nextSequence } from './sequence.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const errno = (code: string): Error => Object.assign(new Error(code), { code });

test('a file of the state is private, replaced whole, and a failed write leaves the former one and no rest', async () => {
  const path = join(folder, 'deep', 'file');
  await writeFileAtomic(path, 'first');
  await writeFileAtomic(path, 'second');
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
  // A folder in its place cannot be replaced: the write fails after the temporary file was made.
  mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
  await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toThrow();
  expect(readdirSync(folder).sort()).toEqual(['deep', 'taken']);
});

test('a full disk and a forbidden folder become sentences that name the folder', () => {
  expect(stateWriteError(errno('ENOSPC'), '/x/y')).toMatchObject({
    code: 'disk_full',
    message: expect.stringContaining('/x'),
  });
  expect(stateWriteError(errno('EDQUOT'), '/x/y')).toMatchObject({ code: 'disk_full' });
  expect(stateWriteError(errno('EROFS'), '/x/y')).toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('--state'),
  });
  const other = errno('EIO');
  expect(stateWriteError(other, '/x/y')).toBe(other);
});

test('the sequence grows by one, is durable, and never goes back when its file is lost or damaged', async () => {
  await createSequence(folder);
  const nowMs = Date.UTC(2026, 0, 1);
  expect([await nextSequence(folder, nowMs), await nextSequence(folder, nowMs)]).toEqual([1, 2]);
  expect(readFileSync(join(folder, 'sequence'), 'latin1')).toBe('00000000000000000002\n');
  for (const damage of ['', '0000', 'not a number at all..\n']) {
    writeFileSync(join(folder, 'sequence'), damage);
    expect(await nextSequence(folder, nowMs), JSON.stringify(damage)).toBe(nowMs / 1000 + 1);
    expect(await nextSequence(folder, nowMs)).toBe(nowMs / 1000 + 2);
    await createSequence(folder);
  }
  rmSync(join(folder, 'sequence'));
  expect(await nextSequence(folder, nowMs)).toBe(nowMs / 1000 + 1);
  expect(await nextSequence(folder, nowMs)).toBe(nowMs / 1000 + 2);
});

test('a damaged memory is set aside and begun anew; what was saved comes back as it was', async () => {
  const state = { ...emptyState, policyVersion: 7, lastHeartbeatMs: 5 };
  await saveState(folder, state);
  expect(await loadState(folder)).toEqual(state);
  for (const text of ['', '{', '{"version":1}', JSON.stringify({ ...state, unknown: 1 })]) {
    writeFileSync(join(folder, 'state.json'), text);
    expect(await loadState(folder), text).toEqual(emptyState);
    expect(readFileSync(join(folder, 'state.json.damaged'), 'utf8')).toBe(text);
  }
});

test('no identity is no error to ask for, and one that is needed or damaged ends in what to do', async () => {
  expect(await findIdentity(folder)).toBeUndefined();
  await expect(loadIdentity(folder)).rejects.toMatchObject({
    code: 'device_unknown',
    message: expect.stringContaining('holdfast enroll'),
  });
  writeFileSync(join(folder, 'identity.json'), '{"version":1');
  await expect(loadIdentity(folder)).rejects.toMatchObject({ message: expect.stringContaining('--replace') });
});

test('the canary differs with every run and names it', async () => {
  const read = async (runId: string): Promise<string> => readFileSync(await rewriteCanary(folder, runId, 0), 'utf8');
  const first = await read('run-1');
  expect(first).toContain('run-1');
  expect(await read('run-1')).not.toBe(first);
});
