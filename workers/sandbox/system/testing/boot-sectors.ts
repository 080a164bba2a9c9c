/** Systems of 512 bytes for tests: a boot sector that the firmware loads to 0x7c00 and starts in real mode, and a disk around it. */
import { assemble, type Piece } from './assemble.ts';

const ORIGIN = 0x7c00;
const DISK_BYTES = 1024 * 1024;

/** Stack below the code, segments at 0, an empty screen of 80 by 25 characters. */
export const BEGIN: readonly Piece[] = [
  [0x31, 0xc0], // xor ax, ax
  [0x8e, 0xd8], // mov ds, ax
  [0x8e, 0xc0], // mov es, ax
  [0x8e, 0xd0], // mov ss, ax
  [0xbc, 0x00, 0x7c], // mov sp, 0x7c00
  [0xfc], // cld
  [0xb8, 0x03, 0x00, 0xcd, 0x10], // mov ax, 3; int 0x10: text mode, cleared
];

const HANG: readonly Piece[] = [
  { label: 'hang' },
  [0xf4], // hlt
  [0xeb],
  { near: 'hang' }, // jmp hang
];

/** show: the text at SI on the screen; say: the one at SI on the serial console. Both end at a zero. */
const SHOW: readonly Piece[] = [
  { label: 'show' },
  [0xac], // lodsb
  [0x84, 0xc0, 0x74],
  { near: 'shown' }, // test al, al; jz shown
  [0xb4, 0x0e, 0x31, 0xdb, 0xcd, 0x10], // mov ah, 0x0e; xor bx, bx; int 0x10: teletype
  [0xeb],
  { near: 'show' },
  { label: 'shown' },
  [0xc3], // ret
];
const SAY: readonly Piece[] = [
  { label: 'say' },
  [0xac], // lodsb
  [0x84, 0xc0, 0x74],
  { near: 'said' },
  [0xe8],
  { far: 'put' }, // call put
  [0xeb],
  { near: 'say' },
  { label: 'said' },
  [0xc3],
  // put: AL to COM1, when its line status (0x3fd) says that there is room (bit 5).
  { label: 'put' },
  [0x50, 0xba, 0xfd, 0x03], // push ax; mov dx, 0x3fd
  { label: 'wait-room' },
  [0xec, 0xa8, 0x20, 0x74], // in al, dx; test al, 0x20; jz wait-room
  { near: 'wait-room' },
  [0x58, 0xba, 0xf8, 0x03, 0xee, 0xc3], // pop ax; mov dx, 0x3f8; out dx, al; ret
];
/** read: a line of the serial console to DI, ended by a zero; the keys are echoed when BL is 1. */
const READ: readonly Piece[] = [
  { label: 'read' },
  [0xba, 0xfd, 0x03], // mov dx, 0x3fd
  { label: 'wait-key' },
  [0xec, 0xa8, 0x01, 0x74], // in al, dx; test al, 1; jz wait-key
  { near: 'wait-key' },
  [0xba, 0xf8, 0x03, 0xec], // mov dx, 0x3f8; in al, dx
  [0x3c, 0x0d, 0x74], // cmp al, 13; je read-done
  { near: 'read-done' },
  [0xaa], // stosb
  [0x80, 0xfb, 0x01, 0x75], // cmp bl, 1; jne read
  { near: 'read' },
  [0xe8],
  { far: 'put' },
  [0xeb],
  { near: 'read' },
  { label: 'read-done' },
  [0xb0, 0x00, 0xaa, 0xc3], // mov al, 0; stosb; ret
];

const say = (label: string): Piece[] => [[0xbe], { address: label }, [0xe8], { far: 'say' }];
const text = (label: string, words: string): Piece[] => [{ label }, `${words}\0`];
/** Where lines are read to. */
const LINE = 0x0600;

/** Shows a text on the screen, asks for a name and a password on the serial console, and says whether they are right. */
export function signInSystem(user: string, password: string): Buffer {
  return diskOf([
    ...[[0xbe], { address: 'title' }, [0xe8], { far: 'show' }],
    ...say('greeting'),
    [0xbf, LINE & 0xff, LINE >> 8, 0xb3, 0x01, 0xe8], // mov di, LINE; mov bl, 1; call read
    { far: 'read' },
    ...say('ask'),
    [0xb3, 0x00, 0xe8], // mov bl, 0; call read: behind the name and its zero
    { far: 'read' },
    [0xbe, LINE & 0xff, LINE >> 8, 0xbf], // mov si, LINE; mov di, right
    { address: 'right' },
    [0xb9, (user.length + password.length + 2) & 0xff, 0x00, 0xf3, 0xa6, 0x75], // mov cx, …; repe cmpsb; jne wrong
    { near: 'wrong' },
    ...say('welcome'),
    [0xeb],
    { near: 'hang' },
    { label: 'wrong' },
    ...say('refused'),
    ...HANG,
    ...SHOW,
    ...SAY,
    ...READ,
    ...text('title', 'Holdfast test system 1.0\r\nAll services are up.'),
    ...text('greeting', '\x1b[1mtest system\x1b[0m ready\r\nbox login: '),
    ...text('ask', '\r\nPassword: '),
    ...text('welcome', '\r\nWelcome\r\n# '),
    ...text('refused', '\r\nLogin incorrect\r\n'),
    { label: 'right' },
    `${user}\0${password}\0`,
  ]);
}

/** Comes up to nothing: an empty screen without a cursor, and not a word. */
export function blankSystem(): Buffer {
  // mov ah, 1; mov cx, 0x2607; int 0x10: no cursor
  return diskOf([[0xb4, 0x01, 0xb9, 0x07, 0x26, 0xcd, 0x10], ...HANG]);
}

/** Says that it begins, and never gets any further. */
export function hangingSystem(): Buffer {
  return diskOf([...say('words'), ...HANG, ...SAY, ...text('words', 'Starting the database...\r\n')]);
}

/** An interrupt without a table of handlers, nor one for the fault of that, nor for the next: the processor resets. */
export function crashingSystem(): Buffer {
  return diskOf([
    ...say('words'),
    [0x0f, 0x01, 0x1e], // lidt [nothing]
    { address: 'nothing' },
    [0xcc], // int3
    ...HANG,
    ...SAY,
    ...text('words', 'about to crash\r\n'),
    { label: 'nothing' },
    [0, 0, 0, 0, 0, 0],
  ]);
}

/** No system at all: the firmware finds nothing that it could start. */
export function emptyDisk(): Buffer {
  return Buffer.alloc(DISK_BYTES);
}

function diskOf(pieces: readonly Piece[]): Buffer {
  const disk = Buffer.alloc(DISK_BYTES);
  bootSector([...BEGIN, ...pieces]).copy(disk);
  return disk;
}

/** The first sector of a disk, which the firmware starts. */
export function bootSector(pieces: readonly Piece[]): Buffer {
  const code = assemble(pieces, ORIGIN);
  if (code.length > 510) throw new Error(`the system has ${code.length} bytes, and 510 fit`);
  const sector = Buffer.alloc(512);
  code.copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
