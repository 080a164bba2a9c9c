import { expect, test } from 'vitest';
import { chooseRestorePoint, describeRestore, type RestorePoint } from './run-restore.ts';

const point = (id: string, captureMs: number, state: RestorePoint['state'] = 'sealed'): RestorePoint => ({
  snapshotId: id.padEnd(64, '0'),
  captureMs,
  sealedMs: captureMs,
  state,
  files: 1,
  bytes: 1,
  levelVerified: null,
});

test('latest is the newest data that is usable, never a quarantined point', () => {
  const points = [point('aaaa', 1), point('bbbb', 3), point('cccc', 9, 'quarantined'), point('dddd', 2)];
  expect(chooseRestorePoint(points, 'latest').captureMs).toBe(3);
  expect(() => chooseRestorePoint([point('cccc', 9, 'quarantined')], 'latest')).toThrow('no usable restore point');
});

test('a beginning names one point or is refused, and a quarantined or expired point is refused by name', () => {
  const points = [point('aaaa1', 1), point('aaaa2', 2), point('bbbb', 3, 'quarantined'), point('cccc', 4, 'expired')];
  expect(chooseRestorePoint(points, 'aaaa2').captureMs).toBe(2);
  expect(() => chooseRestorePoint(points, 'aaaa')).toThrow('More than one');
  expect(() => chooseRestorePoint(points, 'bbbb')).toThrow('quarantine');
  expect(() => chooseRestorePoint(points, 'cccc')).toThrow('expired');
  for (const nonsense of ['', 'a', 'zzzz', '../..', 'LATEST'])
    expect(() => chooseRestorePoint(points, nonsense)).toThrow('no restore point');
});

test('the sentence about a restore never hides what is missing', () => {
  const counts = { filesRestored: 1, bytesRestored: 1, unchanged: 0, filesVerified: 0 };
  const nothing = { ...counts, skipped: [], damaged: [], warnings: [] };
  expect(describeRestore(nothing, '/t')).toBe('1 file restored to /t.');
  const damaged = Array.from({ length: 7 }, (_, at) => ({ path: `/f${at}`, reason: 'x' }));
  const text = describeRestore({ ...nothing, skipped: ['/s'], damaged }, '/t');
  expect(text).toContain('7 files could not be restored intact: /f0, /f1, /f2, /f3, /f4, …');
  expect(text).toContain('1 file kept');
});
