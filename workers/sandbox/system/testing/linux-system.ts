/**
 * A disk with a real Linux on it: Debian's kernel, a boot sector that loads it, and one program (busybox) that does what the
 * system is told to. For what no system of 512 bytes has: a network, a service that answers, and a sign-in that is one.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { LinuxFiles } from '../../../../tools/test/ensure-linux.ts';
import type { Piece } from './assemble.ts';
import { BEGIN, bootSector } from './boot-sectors.ts';
import { cpioArchive, type CpioEntry } from './cpio.ts';

/** What is read from the disk at once. */
const CHUNK = 32 * 1024;
const SECTORS = CHUNK / 512;
/** Where the kernel's first part begins to run, of 64 KiB: its code, its heap and stack, and its command line. */
const SETUP_SEGMENT = 0x1000;
const HEAP_END = 0xde00;
const LINE_AT = 0xe000;
const KERNEL_AT = 0x10_0000;
const RAMDISK_AT = 0x600_0000;
/** Where a chunk lies before it is moved up. */
const BUFFER_SEGMENT = 0x2000;

export interface LinuxWish {
  /** Run by `sh` when console, processes and network card are there; the system ends with it. */
  readonly script: string;
  /** Who may sign in, and with which password. */
  readonly login?: { readonly user: string; readonly passwordHash: string };
}

/** For a machine of 256 MiB. */
export function linuxDisk(files: LinuxFiles, wish: LinuxWish): Buffer {
  const kernel = readFileSync(files.kernel);
  const setupBytes = (kernel.readUInt8(0x1f1) + 1) * 512;
  const ramdisk = gzipSync(cpioArchive(entriesOf(files, wish)), { level: 1 });
  const setup = Buffer.alloc(2 * CHUNK);
  kernel.copy(setup, 0, 0, setupBytes);
  // By the boot protocol of the kernel (Documentation/x86/boot.rst).
  setup.writeUInt8(0xff, 0x210); // a loader without a number
  setup.writeUInt8(setup.readUInt8(0x211) | 0x80, 0x211); // there is a heap
  setup.writeUInt32LE(RAMDISK_AT, 0x218);
  setup.writeUInt32LE(ramdisk.length, 0x21c);
  setup.writeUInt16LE(HEAP_END, 0x224);
  setup.writeUInt32LE(SETUP_SEGMENT * 16 + LINE_AT, 0x228);
  setup.write('console=ttyS0 quiet nokaslr mitigations=off panic=-1 tsc=unstable\0', LINE_AT, 'latin1');
  const rest = inChunks(kernel.subarray(setupBytes));
  const packed = inChunks(ramdisk);
  const loader = loaderOf(rest.length / CHUNK, packed.length / CHUNK);
  return Buffer.concat([loader, setup, rest, packed]);
}

function inChunks(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((CHUNK - (bytes.length % CHUNK)) % CHUNK)]);
}

/** Reads what follows it on the disk to where the kernel's protocol wants it, and jumps there. */
function loaderOf(kernelChunks: number, ramdiskChunks: number): Buffer {
  const word = (value: number): number[] => [value & 0xff, value >> 8];
  const pieces: Piece[] = [
    ...BEGIN,
    // The first part: two chunks, one behind the other.
    { label: 'setup' },
    ...[[0xe8], { far: 'fetch' }],
    ...[[0x81, 0x06], { address: 'segment' }, word(CHUNK / 16)], // add word [segment], chunk / 16
    ...[[0x81, 0x3e], { address: 'segment' }, word(BUFFER_SEGMENT), [0x72], { near: 'setup' }], // cmp; jb setup
    // Each further one comes through the buffer, and goes up: the firmware moves it (int 0x15, ah 0x87).
    { label: 'next' },
    ...[[0xe8], { far: 'fetch' }],
    ...[[0xbe], { address: 'moves' }, [0xb9], word(CHUNK / 2), [0xb4, 0x87, 0xcd, 0x15, 0x72], { near: 'fail' }],
    ...[[0x81, 0x06], { address: 'to-low' }, word(CHUNK)], // add word [to-low], chunk
    ...[[0x80, 0x16], { address: 'to-middle' }, [0x00]], // adc byte [to-middle], 0
    ...[[0x80, 0x16], { address: 'to-high' }, [0x00]],
    ...[[0xff, 0x0e], { address: 'left' }, [0x75], { near: 'next' }], // dec word [left]; jnz next
    ...[[0xa1], { address: 'then' }, [0x85, 0xc0, 0x74], { near: 'start' }], // mov ax, [then]; test ax, ax; jz start
    ...[[0xa3], { address: 'left' }, [0xc7, 0x06], { address: 'then' }, word(0)], // mov [left], ax; mov word [then], 0
    ...[[0xc7, 0x06], { address: 'to-low' }, word(RAMDISK_AT & 0xffff)],
    ...[[0xc6, 0x06], { address: 'to-middle' }, [(RAMDISK_AT >> 16) & 0xff]],
    ...[[0xc6, 0x06], { address: 'to-high' }, [RAMDISK_AT >>> 24], [0xeb], { near: 'next' }],
    { label: 'start' },
    [0xfa, 0xb8, ...word(SETUP_SEGMENT)], // cli; mov ax, segment
    [0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0, 0xbc, ...word(LINE_AT)], // ds, es, fs, gs, ss; sp
    [0xea, 0x00, 0x00, ...word(SETUP_SEGMENT + 0x20)], // jmp far: behind the first sector of it
    { label: 'fail' },
    [0xb8, 0x21, 0x0e, 0xcd, 0x10, 0xf4, 0xeb, 0xfd], // "!" on the screen; hlt for ever
    // fetch: the next chunk of the disk to segment:0.
    { label: 'fetch' },
    ...[[0xbe], { address: 'packet' }, [0xb4, 0x42, 0xb2, 0x80, 0xcd, 0x13, 0x72], { near: 'fail' }],
    ...[[0x81, 0x06], { address: 'sector' }, word(SECTORS)],
    ...[[0x80, 0x16], { address: 'sector-high' }, [0x00], [0xc3]],
    { label: 'packet' },
    [16, 0, ...word(SECTORS), 0, 0],
    { label: 'segment' },
    word(SETUP_SEGMENT),
    { label: 'sector' },
    word(1),
    { label: 'sector-high' },
    [0, 0, 0, 0, 0, 0],
    { label: 'left' },
    word(kernelChunks),
    { label: 'then' },
    word(ramdiskChunks),
    // Six descriptors of 8 bytes; the third says from where, the fourth to where.
    { label: 'moves' },
    Array.from({ length: 16 }, () => 0),
    [0xff, 0xff, 0x00, (BUFFER_SEGMENT * 16) >> 8, (BUFFER_SEGMENT * 16) >> 16, 0x93, 0, 0],
    [0xff, 0xff],
    { label: 'to-low' },
    word(KERNEL_AT & 0xffff),
    { label: 'to-middle' },
    [KERNEL_AT >> 16, 0x93, 0],
    { label: 'to-high' },
    [0],
    Array.from({ length: 16 }, () => 0),
  ];
  return bootSector(pieces);
}

const LEASE = `#!/bin/sh
[ "$1" = bound ] && ip addr add "$ip/24" dev "$interface"
exit 0
`;

function entriesOf(files: LinuxFiles, { script, login }: LinuxWish): CpioEntry[] {
  const folders = ['bin', 'dev', 'etc', 'lib', 'proc', 'root', 'sys', 'tmp'];
  const init = [
    '#!/bin/sh',
    'export PATH=/bin HOME=/root',
    '/bin/busybox --install -s /bin',
    'mount -t devtmpfs dev /dev && mount -t proc proc /proc && mount -t sysfs sys /sys',
    ...files.modules.map((_, at) => `insmod /lib/${at}.ko`),
    'ip link set lo up; ip link set eth0 up',
    script,
    'poweroff -f',
  ];
  const executable = (name: string, data: string | Buffer): CpioEntry => ({ name, mode: 0o100755, data });
  const text = (name: string, data: string): CpioEntry => ({ name, mode: 0o100600, data });
  const { user, passwordHash } = login ?? { user: 'root', passwordHash: '!' };
  return [
    ...folders.map((name) => ({ name, mode: 0o040755 })),
    { name: 'dev/console', mode: 0o020600, device: [5, 1] },
    executable('bin/busybox', readFileSync(files.busybox)),
    { name: 'bin/sh', mode: 0o120777, data: 'busybox' },
    executable('init', `${init.join('\n')}\n`),
    executable('etc/lease', LEASE),
    text('etc/passwd', `${user}:x:0:0::/root:/bin/sh\n`),
    text('etc/shadow', `${user}:${passwordHash}:20000:0:99999:7:::\n`),
    ...files.modules.map((module, at) => ({ name: `lib/${at}.ko`, mode: 0o100644, data: readFileSync(module) })),
  ];
}
