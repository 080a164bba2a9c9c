/** A system of some hundred bytes that starts by UEFI: a program of x86-64 on a FAT disk, at the place where firmware looks for one. */

const SECTOR = 512;
const SECTORS = 2048;
const FAT_SECTORS = 6;
const ROOT_ENTRIES = 112;
const ROOT_AT = 1 + 2 * FAT_SECTORS;
const DATA_AT = ROOT_AT + (ROOT_ENTRIES * 32) / SECTOR;
/** Addresses in the program and places in its file are the same. */
const CODE_AT = 0x200;
const PROGRAM_BYTES = 1024;

/** Says the words on its console, and stays. */
export function uefiSystem(words: string): Buffer {
  return fatDisk(program(words));
}

function program(words: string): Buffer {
  const file = Buffer.alloc(PROGRAM_BYTES);
  file.write('MZ', 0, 'latin1');
  file.writeUInt32LE(0x40, 0x3c);
  file.write('PE\0\0', 0x40, 'latin1');
  const head = 0x44;
  file.writeUInt16LE(0x8664, head); // x86-64
  file.writeUInt16LE(1, head + 2); // one section
  file.writeUInt16LE(240, head + 16); // bytes of the head that follows
  file.writeUInt16LE(0x0022, head + 18); // a program; large addresses
  const more = head + 20;
  file.writeUInt16LE(0x20b, more); // of 64 bits
  file.writeUInt32LE(PROGRAM_BYTES - CODE_AT, more + 4);
  file.writeUInt32LE(CODE_AT, more + 16); // where it begins
  file.writeUInt32LE(CODE_AT, more + 20);
  file.writeBigUInt64LE(0x40_0000n, more + 24);
  for (const at of [32, 36]) file.writeUInt32LE(SECTOR, more + at); // alignments
  file.writeUInt32LE(PROGRAM_BYTES, more + 56);
  file.writeUInt32LE(CODE_AT, more + 60);
  file.writeUInt16LE(10, more + 68); // a program of UEFI
  file.writeUInt32LE(16, more + 108);
  const section = more + 240;
  file.write('.text', section, 'latin1');
  for (const [at, value] of [
    [8, PROGRAM_BYTES - CODE_AT],
    [12, CODE_AT],
    [16, PROGRAM_BYTES - CODE_AT],
    [20, CODE_AT],
    [36, 0xe000_0020], // code, which may be read and written
  ] as const)
    file.writeUInt32LE(value, section + at);
  const code = [
    ...[0x48, 0x8b, 0x4a, 0x40], // mov rcx, [rdx + 64]: the console of the system table
    ...[0x48, 0x83, 0xec, 0x28], // sub rsp, 40
    ...[0x48, 0x8d, 0x15, 6, 0, 0, 0], // lea rdx, [words]
    ...[0xff, 0x51, 0x08], // call [rcx + 8]: write
    ...[0xf4, 0xeb, 0xfd], // hlt, for ever
  ];
  Buffer.from(code).copy(file, CODE_AT);
  file.write(`${words}\r\n\0`, CODE_AT + code.length, 'utf16le');
  return file;
}

/** One file in it: /EFI/BOOT/BOOTX64.EFI. */
function fatDisk(file: Buffer): Buffer {
  const disk = Buffer.alloc(SECTORS * SECTOR);
  Buffer.from([0xeb, 0x3c, 0x90]).copy(disk);
  disk.write('HOLDFAST', 3, 'latin1');
  disk.writeUInt16LE(SECTOR, 11);
  disk.writeUInt8(1, 13); // sectors of a cluster
  disk.writeUInt16LE(1, 14); // before the tables
  disk.writeUInt8(2, 16); // tables
  disk.writeUInt16LE(ROOT_ENTRIES, 17);
  disk.writeUInt16LE(SECTORS, 19);
  disk.writeUInt8(0xf8, 21);
  disk.writeUInt16LE(FAT_SECTORS, 22);
  disk.writeUInt8(0x29, 38);
  disk.write('NO NAME    FAT12   ', 43, 'latin1');
  disk.writeUInt16LE(0xaa55, 510);
  // Clusters: 2 the first folder, 3 the second, 4 and on the file.
  const clusters = file.length / SECTOR;
  const next = [0xff8, 0xfff, 0xfff, 0xfff];
  for (let at = 0; at < clusters; at += 1) next.push(at === clusters - 1 ? 0xfff : 5 + at);
  const table = Buffer.alloc(FAT_SECTORS * SECTOR);
  for (const [at, value] of next.entries()) {
    const place = at + (at >> 1);
    const old = table.readUInt16LE(place);
    table.writeUInt16LE(at % 2 === 0 ? (old & 0xf000) | value : (old & 0x000f) | (value << 4), place);
  }
  for (const copy of [0, 1]) table.copy(disk, (1 + copy * FAT_SECTORS) * SECTOR);
  const entry = (name: string, attribute: number, cluster: number, size = 0): Buffer => {
    const bytes = Buffer.alloc(32);
    bytes.write(name.padEnd(11), 0, 'latin1');
    bytes.writeUInt8(attribute, 11);
    bytes.writeUInt16LE(cluster, 26);
    bytes.writeUInt32LE(size, 28);
    return bytes;
  };
  const placeOf = (cluster: number): number => (DATA_AT + cluster - 2) * SECTOR;
  const folder = (own: number, above: number, child: Buffer): Buffer =>
    Buffer.concat([entry('.', 0x10, own), entry('..', 0x10, above), child]);
  entry('EFI', 0x10, 2).copy(disk, ROOT_AT * SECTOR);
  folder(2, 0, entry('BOOT', 0x10, 3)).copy(disk, placeOf(2));
  folder(3, 2, entry('BOOTX64 EFI', 0x20, 4, file.length)).copy(disk, placeOf(3));
  file.copy(disk, placeOf(4));
  return disk;
}
