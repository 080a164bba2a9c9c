import { expect, test } from 'vitest';
import { PROTOCOL_REVISION } from '../../core/protocol/version.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import type { DumpFacts } from '../sources/dump-stream.ts';
import { runManifest } from './run-manifest.ts';

const hex = (letter: string): string => letter.repeat(64);
const file = (path: string, role: 'canary' | 'sample') => ({ path, size: 1, sha256: hex('b'), role });
const uuid = '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';

function manifestOf(
  witness: BackupResult['witness'],
  dumps: readonly DumpFacts[],
  warnings: BackupResult['warnings'] = [],
  revision = PROTOCOL_REVISION,
  changes: BackupResult['changes'] = {
    files: { former: 10, changed: 2, gone: 1 },
    readBytes: 3,
    newBytes: 2,
    storedBytes: 2,
    entropy: { bits: 4.5, sampledBytes: 2 },
  },
) {
  const result: BackupResult = {
    snapshotId: hex('1'),
    snapshot: { id: hex('1'), time: '2026-01-01T00:00:00Z', tree: hex('2'), paths: ['/srv'] },
    added: [],
    packIds: [],
    unread: [],
    warnings,
    selectedFiles: 0,
    selectedBytes: 0,
    unreadBytes: 0,
    socketsSkipped: 0,
    addedBlobs: 0,
    addedBytes: 0,
    storedBytes: 0,
    witness,
    changes,
  };
  const times = { captureMs: 1, startedMs: 1, finishedMs: 2 };
  const ids = { runId: uuid, vaultId: uuid, repositoryId: hex('3'), parentSnapshotId: null };
  return runManifest(result, { ...ids, ...times, takenOver: [], dumps, revision });
}

const dump: DumpFacts = {
  kind: 'postgres',
  label: 'main',
  database: 'shop',
  serverVersion: '17.2',
  clientVersion: '17.4',
  path: '/postgres/main/shop.dump',
  bytes: 12,
  sha256: hex('c'),
};

test('the canary and every dump are among the witnesses, however many files were sampled', () => {
  const samples = Array.from({ length: 12_000 }, (_, at) => file(`/srv/${at}`, 'sample'));
  const { witness } = manifestOf([...samples, file('/canary', 'canary')], [dump]);
  expect(witness).toHaveLength(10_000);
  expect(witness.slice(0, 2)).toEqual([
    file('/canary', 'canary'),
    {
      path: dump.path,
      size: 12,
      sha256: hex('c'),
      role: 'dump',
      dump: { kind: 'postgres', label: 'main', database: 'shop', serverVersion: '17.2', clientVersion: '17.4' },
    },
  ]);
});

test('a path that is longer than a message takes has no witness', () => {
  expect(manifestOf([], [{ ...dump, path: `/${'x'.repeat(9000)}` }]).witness).toEqual([]);
});

test('what is not kept of an entry is in the manifest, clipped and counted, and absent when all is kept', () => {
  expect(manifestOf([], [])).not.toHaveProperty('notKept');
  const warnings = Array.from({ length: 1200 }, (_, at) => ({ path: `/srv/${at}`, reason: 'r'.repeat(2000) }));
  const { notKept, notKeptCount } = manifestOf([], [], warnings);
  expect(notKeptCount).toBe(1200);
  expect(notKept).toHaveLength(1000);
  expect(notKept?.[7]).toEqual({ path: '/srv/7', reason: 'r'.repeat(1000) });
});

test('a gateway that is older than what is not kept gets a manifest that it knows, and the backup succeeds', () => {
  const manifest = manifestOf([], [], [{ path: '/srv/a', reason: 'its attributes could not be read' }], 0);
  const { changes: _, ...known } = manifestOf([], []);
  expect(manifest).toEqual(known);
});

test('how the files differ is in the manifest for a gateway that takes it, and never keeps a backup from being committed', () => {
  const changes = {
    files: { former: 10, changed: 2, gone: 1 },
    readBytes: 30,
    newBytes: 20,
    storedBytes: 25,
    entropy: { bits: 7.9, sampledBytes: 10 },
  };
  expect(manifestOf([], [], [], PROTOCOL_REVISION, changes).changes).toEqual(changes);
  expect(manifestOf([], [], [], 1, changes)).not.toHaveProperty('changes');
  // Figures that contradict themselves would be refused with the whole backup: they are left out instead.
  for (const wrong of [
    { ...changes, newBytes: 31 },
    { ...changes, entropy: { bits: 8.1, sampledBytes: 10 } },
    { ...changes, entropy: { bits: Number.NaN, sampledBytes: 10 } },
    { ...changes, files: { former: 2, changed: 2, gone: 1 } },
  ])
    expect(manifestOf([], [], [], PROTOCOL_REVISION, wrong)).not.toHaveProperty('changes');
});
