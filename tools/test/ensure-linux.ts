/**
 * A Linux for the systems that tests start in the emulator, from Debian's packages: the kernel that its images for clouds have, and
 * busybox. Neither is installed here; a PC's, whatever this machine is.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { fetchFromDebian, type Machine, thisMachine } from './debian-archive.ts';

/** Its modules are not compressed, so that busybox can load them. */
const SUITE = 'bookworm';
const NAME = 'linux-bookworm';
/** In the order in which they can be loaded: a network card of virtio. */
const MODULES = [
  'net/core/failover.ko',
  'drivers/net/net_failover.ko',
  'drivers/virtio/virtio_ring.ko',
  'drivers/virtio/virtio.ko',
  'drivers/virtio/virtio_pci_legacy_dev.ko',
  'drivers/virtio/virtio_pci_modern_dev.ko',
  'drivers/virtio/virtio_pci.ko',
  'drivers/net/virtio_net.ko',
];

export interface LinuxFiles {
  readonly kernel: string;
  readonly busybox: string;
  readonly modules: readonly string[];
}

/** Downloaded when it is not there yet (some 28 MiB, once). @throws HoldfastError service_missing. */
export function ensureLinux({
  triesMax = 1,
  machine = thisMachine,
}: {
  triesMax?: number;
  machine?: Machine;
} = {}): LinuxFiles {
  const unavailable = (why: string): HoldfastError =>
    new HoldfastError(
      'service_missing',
      `A Linux to start in the emulator could not be had: ${why}. Unpack Debian's packages linux-image-cloud-amd64 (the one that it depends on) and busybox-static into node_modules/.cache/holdfast/${NAME}, or run this on Debian with its archive in reach.`,
    );
  const folder = fetchFromDebian(
    {
      ...{ name: NAME, suite: SUITE, architecture: 'amd64', proof: 'bin/busybox', unavailable },
      choose: (aptCache) => {
        const kernel = /Depends: (linux-image-\S+)/.exec(aptCache('depends', 'linux-image-cloud-amd64'))?.[1];
        if (kernel === undefined) throw unavailable(`Debian's ${SUITE} names no kernel`);
        return [kernel, 'busybox-static'];
      },
    },
    triesMax,
    machine,
  );
  const release = readdirSync(path.join(folder, 'boot'))
    .find((name) => name.startsWith('vmlinuz-'))
    ?.slice('vmlinuz-'.length);
  if (release === undefined) throw unavailable('its package holds no kernel');
  return {
    kernel: path.join(folder, 'boot', `vmlinuz-${release}`),
    busybox: path.join(folder, 'bin/busybox'),
    modules: MODULES.map((name) => path.join(folder, 'lib/modules', release, 'kernel', name)),
  };
}
