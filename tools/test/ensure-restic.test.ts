import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import { ensureRestic } from './ensure-restic.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'holdfast-ensure-restic-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

interface Archive {
  readonly mirrors?: string;
  readonly madison?: string;
  readonly says?: string;
  readonly failing?: string;
  /** So many times; always when left out. */
  readonly failures?: number;
}

/** A machine whose apt answers so; what it ran. */
function machine(archive: Archive): {
  ran: string[];
  cache: string;
  waits: number[];
  run: (c: readonly string[], f: string) => string | undefined;
  waitMs: (ms: number) => void;
} {
  const ran: string[] = [];
  const waits: number[] = [];
  let failures = 0;
  const run = (command: readonly string[], folder: string): string | undefined => {
    const words = command.filter((word, at) => word !== '-o' && command[at - 1] !== '-o').join(' ');
    ran.push(words);
    const isFailing = archive.failing !== undefined && words.startsWith(archive.failing);
    if (isFailing && (failures += 1) <= (archive.failures ?? Infinity)) return undefined;
    if (words.includes('indextargets'))
      return archive.mirrors ?? 'http://example.test/debian-security/\nhttp://example.test/debian/\n';
    if (words.includes('madison')) return archive.madison ?? 'restic | 0.19.1-1 | http://example.test/debian sid/main';
    if (words.includes('download')) writeFileSync(join(folder, 'restic_0.19.1-1_amd64.deb'), '');
    if (words.startsWith('dpkg-deb')) {
      mkdirSync(join(folder, 'unpacked/usr/bin'), { recursive: true });
      writeFileSync(join(folder, 'unpacked/usr/bin/restic'), '#!/bin/sh\n');
      chmodSync(join(folder, 'unpacked/usr/bin/restic'), 0o755);
    }
    return words.endsWith('version') ? (archive.says ?? 'restic 0.19.1 compiled with go\n') : '';
  };
  return { ran, waits, cache, run, waitMs: (ms) => void waits.push(ms) };
}

test('is downloaded once, in the exact version that the archive has, and found afterwards', () => {
  const one = machine({ madison: 'restic | 0.20.0-1 | x\nrestic | 0.19.1-1 | y\n' });
  const program = ensureRestic('0.19', { machine: one });
  expect(program).toBe(join(cache, 'restic-0.19/usr/bin/restic'));
  expect(existsSync(program)).toBe(true);
  expect(one.ran).toContain('apt-get -q download restic=0.19.1-1');
  expect(readdirSync(cache), 'nothing of the download stays').toEqual(['restic-0.19']);
  const two = machine({});
  expect(ensureRestic('0.19', { machine: two })).toBe(program);
  expect(two.ran).toEqual([]);
});

test.each<[string, Archive]>([
  ['no mirror of Debian is configured', { mirrors: 'http://example.test/ubuntu/' }],
  ['"apt-get -q update" failed', { failing: 'apt-get -q update' }],
  ['sid has another release by now', { madison: 'restic | 0.20.0-1 | x' }],
  ['could not be unpacked', { failing: 'dpkg-deb' }],
  ['calls itself restic 0.20.0', { says: 'restic 0.20.0' }],
])('that it cannot be had is an error that says why: %s', (why, archive) => {
  const attempt = (): string => ensureRestic('0.19', { machine: machine(archive) });
  expect(attempt).toThrow(HoldfastError);
  expect(attempt).toThrow(expect.objectContaining({ code: 'service_missing', message: expect.stringContaining(why) }));
  expect(readdirSync(cache)).toEqual([]);
});

test.each(['apt-get -q update', 'apt-get -q download'])(
  '%s that fails for a while is tried again, with growing waits',
  (failing) => {
    const slow = machine({ failing, failures: 3 });
    expect(existsSync(ensureRestic('0.19', { machine: slow, triesMax: 4 }))).toBe(true);
    expect(slow.waits).toEqual([4000, 8000, 16_000]);
    rmSync(join(cache, 'restic-0.19'), { recursive: true });
    const gone = machine({ failing });
    expect(() => ensureRestic('0.19', { machine: gone, triesMax: 4 })).toThrow('failed, 4 times');
    expect(gone.ran.filter((words) => words.startsWith(failing))).toHaveLength(4);
  },
);
