/** Times of any year are spelled as stock restic spells them, in any zone: with the offset that its zone files give, or none. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { stockRestic } from '../../tests/support/stock-restic.ts';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { findPath } from './list-tree.ts';
import { loadSnapshot, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { backUpSource } from './testing/back-up-source.ts';
import { cheapenKey } from './testing/cheapen-key.ts';
import type { SnapshotWithId, WritableRepository } from './types.ts';

const PASSWORD = 'times';

// The first use of a release downloads it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

/** A file for each second, from far before the first clock of any zone; what the file system cannot hold it bends by itself. */
const MAKE = `
import os, sys
for name in ('small', 'large'):
    os.mkdir(os.path.join(sys.argv[1], name))
small = [-2 ** 31, -2082844800, -1850000000, -1690000000, -1500000000, -1200000000, -870000000, -500000000, -157766401, -61, -60, -1, 0, 59,
         45000000, 60000000, 63593069, 63593070, 500000000, 1200000000, 1700000000, 1751371200, 2147483648, 4102444800, 9223372036, 9223372037, 15000000000]
large = [253402300799, 253402300800, 253407398400, 300000000000, 10 ** 12, 951827696 + 12622780800 * 20, -62167219200, -62167219201, -70000000000, -10 ** 12]
for name, times in (('small', small), ('large', large)):
    for number, seconds in enumerate(times):
        path = os.path.join(sys.argv[1], name, '%03d' % number)
        open(path, 'w').close()
        os.utime(path, ns=(0, seconds * 10 ** 9 + number * 37))
`;

const LIST = `
import os, sys
for folder, _, names in sorted(os.walk(sys.argv[1])):
    for name in sorted(names): print(name, os.stat(os.path.join(folder, name)).st_mtime_ns)
`;
const listTimes = (folder: string): string => execFileSync('python3', ['-c', LIST, folder], { encoding: 'utf8' });

const ZONES = [
  undefined,
  '',
  'Europe/Berlin',
  'Europe/Amsterdam',
  ':America/New_York',
  'Africa/Monrovia',
  'America/Tijuana',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  '/usr/share/zoneinfo/Asia/Tehran',
  'Nowhere-3',
] as const;

let scratch: string;
let source: string;
let folder: string;
let repo: WritableRepository;
const zoneHere = process.env.TZ;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-times-'));
  // A file system in memory holds years that those on disks do not.
  source = mkdtempSync('/dev/shm/holdfast-times-');
  execFileSync('python3', ['-c', MAKE, source]);
  folder = join(scratch, 'repo');
  stockRestic('0.19', PASSWORD).run(folder, 'init');
  await cheapenKey(folder, PASSWORD);
  repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
});
afterEach(() => setZone(zoneHere));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  rmSync(source, { recursive: true, force: true });
});

function setZone(name: string | undefined): void {
  if (name === undefined) delete process.env.TZ;
  else process.env.TZ = name;
}

async function timesIn(snapshot: SnapshotWithId): Promise<Record<string, string>> {
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  const times: Record<string, string> = {};
  for (const name of ['small', 'large']) {
    const found = await findPath(reader, snapshot.tree, join(source, name));
    times[name] = found?.node.subtree ?? '';
    for (const node of await reader.tree(times[name])) times[`${name}/${String(node.name)}`] = node.mtime;
  }
  return times;
}

describe.each(['0.18', '0.19'] as const)('as restic %s', (release) => {
  test.each(ZONES)('in the zone %j', async (zone) => {
    setZone(zone);
    const summary = stockRestic(release, PASSWORD).summary(folder, 'backup', '--force', '--host', 'machine', source);
    const theirs = await loadSnapshot(repo, String(summary['snapshot_id']));
    const ours = await backUpSource(repo, source);
    expect(await timesIn(ours.snapshot)).toEqual(await timesIn(theirs));
    const again = await backUpSource(repo, source, { parent: theirs });
    expect(again.snapshot.summary).toMatchObject({ files_new: 0, files_changed: 0, files_unmodified: 37 });
  });
});

test('and come back as they were, far from today too', async () => {
  const { snapshot } = await backUpSource(repo, source);
  const target = mkdtempSync('/dev/shm/holdfast-restored-');
  try {
    mkdirSync(join(target, 'in'));
    await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir: join(target, 'in') });
    expect(listTimes(join(target, 'in', source, 'small'))).toBe(listTimes(join(source, 'small')));
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
});
