import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Machine } from './debian-archive.ts';
import { ensureLinux } from './ensure-linux.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'holdfast-ensure-linux-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** A machine whose apt answers so; what it ran. */
function machineOf(depends: string, files: readonly string[]): Machine & { readonly ran: string[] } {
  const ran: string[] = [];
  const run = (command: readonly string[], folder: string): string => {
    ran.push(command.filter((word, at) => word !== '-o' && command[at - 1] !== '-o').join(' '));
    const words = ran.at(-1)!;
    if (words.includes('indextargets')) return 'http://example.test/debian/\n';
    if (words.includes('depends')) return depends;
    if (words.includes('download')) for (const name of ['a.deb', 'b.deb']) writeFileSync(path.join(folder, name), '');
    if (words.startsWith('dpkg-deb'))
      for (const file of files) {
        mkdirSync(path.join(folder, 'unpacked', path.dirname(file)), { recursive: true });
        writeFileSync(path.join(folder, 'unpacked', file), '');
      }
    return '';
  };
  return { ran, run, cache, waitMs: () => undefined };
}

test('the kernel is the one that the package of this name stands for now; it is downloaded once', () => {
  const depends = 'linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-9-cloud-amd64\n';
  const files = ['boot/vmlinuz-6.1.0-9-cloud-amd64', 'bin/busybox'];
  const one = machineOf(depends, files);
  const linux = ensureLinux({ machine: one });
  expect(one.ran).toContain('apt-get -q download linux-image-6.1.0-9-cloud-amd64 busybox-static');
  expect(one.ran.filter((words) => words.startsWith('dpkg-deb'))).toHaveLength(2);
  expect(existsSync(linux.kernel)).toBe(true);
  expect(linux.modules.at(-1)).toContain('/6.1.0-9-cloud-amd64/kernel/drivers/net/virtio_net.ko');
  expect(readdirSync(cache), 'nothing of the download stays').toEqual(['linux-bookworm']);
  const two = machineOf(depends, files);
  expect(ensureLinux({ machine: two })).toEqual(linux);
  expect(two.ran).toEqual([]);
});

test.each([
  ['names no kernel', 'linux-image-cloud-amd64\n', ['bin/busybox']],
  ['holds no kernel', '  Depends: linux-image-x\n', ['bin/busybox', 'boot/config']],
])('that it cannot be had is an error that says why: %s', (why, depends, files) => {
  expect(() => ensureLinux({ machine: machineOf(depends, files) })).toThrow(
    expect.objectContaining({ code: 'service_missing', message: expect.stringContaining(why) }),
  );
});
