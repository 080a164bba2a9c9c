/** What an emulated screen shows: its pixels as QEMU writes them, and its text where it shows plain text. */
import { HoldfastError } from '../../../core/base/errors.ts';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, row after row. */
  readonly rgb: Uint8Array;
}

const SIDE_MAX = 4096;
/** The largest picture with its head. */
export const PICTURE_BYTES_MAX = SIDE_MAX * SIDE_MAX * 3 + 64;

/** Reads a PPM of 8 bits a colour. @throws HoldfastError bad_request for anything else: it comes out of a sandbox. */
export function parsePpm(bytes: Uint8Array): Picture {
  const head = /^P6\n(\d{1,4}) (\d{1,4})\n255\n/.exec(Buffer.from(bytes.subarray(0, 32)).toString('latin1'));
  const width = Number(head?.[1] ?? 0);
  const height = Number(head?.[2] ?? 0);
  const rgb = bytes.subarray(head?.[0].length ?? 0);
  if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX || rgb.length !== width * height * 3)
    throw new HoldfastError('bad_request', 'The picture of the screen is none.');
  return { width, height, rgb };
}

/** Of the pixels, so many may differ from the commonest colour on a screen that shows nothing: a cursor, a stray line. */
const BLANK_SHARE = 0.001;

/** Is it all one colour? In two passes without a list: a screen may show a million of them. */
export function isOneColour({ width, height, rgb }: Picture): boolean {
  const colourAt = (at: number): number => (rgb[at]! << 16) | (rgb[at + 1]! << 8) | rgb[at + 2]!;
  // Boyer and Moore: a colour of more than half of the pixels outlasts all others, and only such a one matters.
  let colour = 0;
  let lead = 0;
  for (let at = 0; at < rgb.length; at += 3) {
    if (lead === 0) colour = colourAt(at);
    lead += colourAt(at) === colour ? 1 : -1;
  }
  let pixels = 0;
  for (let at = 0; at < rgb.length; at += 3) if (colourAt(at) === colour) pixels++;
  return pixels >= width * height * (1 - BLANK_SHARE);
}

/** The share of pixels that differ; 1 for pictures of other sizes. */
export function changedShare(a: Picture, b: Picture): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  let changed = 0;
  for (let at = 0; at < a.rgb.length; at += 3)
    if (a.rgb[at] !== b.rgb[at] || a.rgb[at + 1] !== b.rgb[at + 1] || a.rgb[at + 2] !== b.rgb[at + 2]) changed++;
  return changed / (a.width * a.height);
}

const COLUMNS = 80;
const ROWS = 25;
/** Of the text that the screen adapter holds: a character and its colours. */
export const TEXT_BYTES = COLUMNS * ROWS * 2;
export const TEXT_ADDRESS = 0xb8000;

/** Is it the picture of a screen of 80 by 25 characters? Then its text lies at TEXT_ADDRESS. */
export function isTextMode({ width, height }: Picture): boolean {
  return (width === 720 || width === 640) && height === 400;
}

/** The lines of such a screen, without what is empty at their ends. */
export function screenText(memory: Uint8Array): string {
  const lines: string[] = [];
  for (let row = 0; row < ROWS; row++) {
    let line = '';
    for (let column = 0; column < COLUMNS; column++) {
      const code = memory[(row * COLUMNS + column) * 2] ?? 0;
      line += code > 0x20 && code < 0x7f ? String.fromCharCode(code) : ' ';
    }
    lines.push(line.trimEnd());
  }
  return lines.join('\n').trimEnd();
}

/** The firmware speaks before any system does: its words show nothing. */
const FIRMWARE_LINES = /^(?:SeaBIOS \(version|Machine UUID|iPXE|Booting from |Press .{1,20} for boot menu|$)/;

/** What the screen says beyond the firmware's own words. */
export function wordsOfSystem(text: string): string {
  return text
    .split('\n')
    .filter((line) => !FIRMWARE_LINES.test(line.trim()))
    .join('\n')
    .trim();
}

/** Words with which firmware, loaders and systems give up; the first of them in a text. */
export function surrender(text: string): string | undefined {
  return GIVEN_UP.exec(text)?.[0];
}
const GIVEN_UP =
  /No bootable device|Boot failed: .{1,60}|Missing operating system|Operating system not found|Error loading operating system|Invalid partition table|BOOTMGR is missing|grub rescue>|Kernel panic - not syncing|You are in emergency mode|Entering emergency mode|Give root password for maintenance|\(initramfs\)|No bootable option or device was found|UEFI Interactive Shell/i;
