import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../core/base/log.ts';
import { createMemoryStore, type MemoryStore } from '../../core/storage/memory-store.ts';
import { makeVault, type TestVault } from '../testing/make-vault.ts';
import { drillResult, type ExtraFiles } from './messages.ts';
import { runInSandbox } from './run-in-sandbox.ts';

let store: MemoryStore;
let vault: TestVault;
beforeAll(async () => {
  store = createMemoryStore();
  const disk = 'd'.repeat(3000);
  vault = await makeVault(store, {
    'canary.txt': 'sing',
    'vm/web.raw': disk,
    'srv/a.csv': '1',
    'srv/deep/b.csv': '22',
  });
});

async function restore(extras: Partial<ExtraFiles>) {
  const scratchPath = mkdtempSync(path.join(tmpdir(), 'holdfast-extras-'));
  const also = { paths: [], onlyImage: false, bytesMax: 1_000_000, ...extras };
  const paths = [`${vault.source}/canary.txt`];
  const end = await runInSandbox({
    task: { kind: 'drill', ...vault.task, paths, also, targetDir: scratchPath },
    ...{ store, scratchPath, wallClockMs: 60_000, outputBytesMax: 1_000_000, log: silentLog },
  });
  if (end.kind !== 'result') throw new Error(JSON.stringify(end));
  const place = path.join(scratchPath, vault.source);
  return { ...drillResult.parse(end.value), files: readdirSync(place, { recursive: true }).map(String).sort() };
}

test('a file, and a folder with all that is in it, come back beside the sample; what is not there is said', async () => {
  const paths = [`${vault.source}/vm/web.raw`, `${vault.source}/srv`, '/no/such/place'];
  const { also, files } = await restore({ paths });
  expect(also.map(({ state }) => state)).toEqual(['restored', 'restored', 'absent']);
  expect(files).toEqual(['canary.txt', 'srv', 'srv/a.csv', 'srv/deep', 'srv/deep/b.csv', 'vm', 'vm/web.raw']);
});
test('what does not fit is left out, and what is smaller still comes back', async () => {
  const paths = [`${vault.source}/vm/web.raw`, `${vault.source}/srv`];
  const { also, files } = await restore({ paths, bytesMax: 100 });
  expect(also.map(({ state }) => state)).toEqual(['too_large', 'restored']);
  expect(files).not.toContain('vm/web.raw');
  expect(files).toContain('srv/deep/b.csv');
});
test('the only disk image is found by its name', async () => {
  const { images, also } = await restore({ onlyImage: true });
  expect(images).toEqual([`${vault.source}/vm/web.raw`]);
  expect(also).toEqual([{ path: `${vault.source}/vm/web.raw`, state: 'restored' }]);
});
