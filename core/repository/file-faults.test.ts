/**
 * Every call of the file system fails, one after the other, once and from then on: below the source, in the repository's
 * folder, in the folder of a restore. The work itself is done by testing/file-fault-run.ts, a program of its own.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FaultReport } from './testing/file-fault-run.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('./testing/file-fault-run.ts', import.meta.url));
const FAULTY_FILES = fileURLToPath(new URL('../filesystem/testing/faulty-files.ts', import.meta.url));

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-file-faults-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** One report for each fault that struck. */
async function reportsOf(scenario: string): Promise<FaultReport[]> {
  const args = ['--import', FAULTY_FILES, PROGRAM, scenario, scratch];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  const reports = stdout.trim().split('\n');
  return reports.map((line) => JSON.parse(line) as FaultReport);
}

function expectNothingWrong(reports: readonly FaultReport[], codes: readonly (string | undefined)[]): void {
  for (const { fault, error, wrong } of reports) {
    expect(wrong, fault).toEqual([]);
    expect(codes, `${fault}: ${error}`).toContain(error);
  }
}

test('whatever of the source cannot be read is named, or the run is refused: never a snapshot that is silently less', async () => {
  const reports = await reportsOf('backup-source');
  expect(reports.length).toBeGreaterThan(35);
  expectNothingWrong(reports, [undefined, 'source_unreadable', 'source_missing']);
  for (const { fault, error, named } of reports) expect(error !== undefined || named.length > 0, fault).toBe(true);
}, 300_000);

test('a disk that is full or fails under the repository ends the run by name, and what is there stays sound', async () => {
  const reports = await reportsOf('backup-repository');
  expect(reports.length).toBeGreaterThan(35);
  expectNothingWrong(reports, [undefined, 'disk_full', 'storage_unavailable']);
}, 300_000);

test('a disk that is full or fails under a restore leaves no half file, and the next restore completes it', async () => {
  const reports = await reportsOf('restore');
  expect(reports.length).toBeGreaterThan(35);
  expectNothingWrong(reports, [undefined, 'disk_full', 'storage_unavailable']);
  for (const { fault, error, named } of reports) expect(error !== undefined || named.length > 0, fault).toBe(true);
}, 300_000);

test('a disk that fails under a check is neither damage nor proof', async () => {
  const reports = await reportsOf('check');
  expect(reports.length).toBeGreaterThan(20);
  expectNothingWrong(reports, ['storage_unavailable']);
}, 300_000);
