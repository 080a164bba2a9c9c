/** What is said where a system cannot be started: never that it works, and what to do about it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../core/base/log.ts';
import { type SystemTests, systemTests } from '../../core/domain/system-tests.ts';
import { type SystemTerms, testSystem } from './test-system.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-system-'));
  mkdirSync(path.join(folder, 'restored/vm'), { recursive: true });
  mkdirSync(path.join(folder, 'scratch'));
  writeFileSync(path.join(folder, 'restored/vm/web.raw'), Buffer.alloc(4096));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(tests: unknown, more: Partial<SystemTerms> = {}) {
  const parsed: SystemTests = systemTests.parse(tests);
  return await testSystem({
    log: silentLog,
    work: { system: { tests: parsed, password: null } },
    folder: path.join(folder, 'restored'),
    scratch: path.join(folder, 'scratch'),
    restored: { also: [{ path: '/vm/web.raw', state: 'restored' }], images: ['/vm/web.raw'] },
    signal: new AbortController().signal,
    onStep: () => undefined,
    ...more,
  });
}

test('without QEMU the look is skipped, and the packages are named', async () => {
  const { checks, warnings } = await run({ boot: { image: 'only', serial: 'x' } }, { qemuFolder: '/nowhere' });
  expect(checks).toMatchObject([{ kind: 'boot', state: 'skipped', subject: '/vm/web.raw' }]);
  expect(warnings.join()).toContain('Install the packages qemu-system-x86 and qemu-utils');
});
test('without the firmware that a system needs the look is skipped, and the package is named', async () => {
  const boot = { image: 'only', serial: 'x', firmware: 'uefi' };
  const { checks, warnings } = await run({ boot }, { firmwareFolder: '/nowhere' });
  expect(checks).toMatchObject([{ kind: 'boot', state: 'skipped', subject: '/vm/web.raw' }]);
  expect(warnings.join()).toContain('Install the package ovmf');
});
test.each([
  ['that is not in the restore point', { also: [], images: [] }, 'There is no /vm/web.raw in this restore point'],
  [
    'for which there is no room',
    { also: [{ path: '/vm/web.raw', state: 'too_large' as const }], images: [] },
    'too large',
  ],
])('an image %s is not started', async (_name, restored, words) => {
  const { checks } = await run({ boot: { image: '/vm/web.raw', serial: 'x' } }, { restored });
  expect(checks).toMatchObject([{ kind: 'boot', state: 'skipped', output: expect.stringContaining(words) }]);
});
test('an image that came back as a link is not followed', async () => {
  const restored = { also: [{ path: '/etc/passwd', state: 'restored' as const }], images: [] };
  const { checks } = await run({ boot: { image: '/etc/passwd', serial: 'x' } }, { restored });
  expect(checks).toMatchObject([{ kind: 'boot', state: 'skipped' }]);
});
test('more memory than the machine has free is not taken', async () => {
  const { checks } = await run({ boot: { image: 'only', serial: 'x', memoryMiB: 16_384 } }, { freeBytes: 2 ** 30 });
  expect(checks).toMatchObject([
    { state: 'skipped', output: expect.stringContaining('less memory free than the 16384 MiB') },
  ]);
});
