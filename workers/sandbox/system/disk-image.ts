/**
 * Disk images: which format one has, and whether it may be opened. The head of an image may name further files that are read
 * with it, and its maker may have been a thief: one that does is refused, whatever it names.
 */
import { open } from 'node:fs/promises';
import { plainOutput, runProgram } from '../open/programs.ts';

export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhdx' | 'vpc';

export interface DiskImage {
  readonly format: ImageFormat;
  readonly virtualBytes: number;
}

/** Why an image is not started. `isDamaged`: it should be readable, and is not. */
export interface ImageRefusal {
  readonly reason: string;
  readonly isDamaged: boolean;
}

const refused = (reason: string): ImageRefusal => ({ reason, isDamaged: false });

const HEAD_BYTES = 512;

/** By what it begins with; what no format claims is the disk itself. The format is never left to be guessed by QEMU. */
export function imageFormat(head: Buffer): ImageFormat | ImageRefusal {
  const begins = (bytes: string, at = 0): boolean =>
    head.subarray(at, at + bytes.length).equals(Buffer.from(bytes, 'latin1'));
  if (begins('QFI\xfb')) {
    if (head.readUInt32BE(4) < 2) return refused('It is of the first version of qcow, which is not opened here.');
    return 'qcow2';
  }
  if (begins('KDMV')) return 'vmdk';
  if (begins('# Disk DescriptorFile') || begins('COWD'))
    return refused('It consists of several files. Name the file that holds the disk itself, such as …-flat.vmdk.');
  if (begins('vhdxfile')) return 'vhdx';
  if (begins('conectix')) return 'vpc';
  if (begins('\x7f\x10\xda\xbe', 0x40)) return 'vdi';
  if (begins('LUKS\xba\xbe')) return refused('It is encrypted.');
  return 'raw';
}

/** What `qemu-img info --output=json` says, as far as it matters here. */
interface ImageInfo {
  readonly 'virtual-size'?: unknown;
  readonly encrypted?: unknown;
  readonly 'backing-filename'?: unknown;
  readonly 'full-backing-filename'?: unknown;
  readonly 'format-specific'?: {
    readonly data?: { readonly 'data-file'?: unknown; readonly extents?: readonly { readonly filename?: unknown }[] };
  };
}

/** Larger than any disk that is started for a test; an image may claim anything. */
const VIRTUAL_BYTES_MAX = 16 * 2 ** 40;

/** In the sandbox: QEMU's own tool reads an image with damage in a process of its own, beside nothing that matters. */
export async function inspectImage(place: string): Promise<DiskImage | ImageRefusal> {
  const head = Buffer.alloc(HEAD_BYTES);
  const bytesRead = await readHead(place, head);
  const format = imageFormat(head);
  if (typeof format !== 'string') return format;
  if (bytesRead < HEAD_BYTES) return { reason: 'It is shorter than any disk.', isDamaged: true };
  if (format === 'qcow2' && namesOtherFiles(head))
    return refused(
      'It is a part of an image: it names further files that are read with it, and those are not followed.',
    );
  const end = await runProgram('qemu-img', ['info', '--output=json', '-f', format, place]);
  if (end.code !== 0) return { reason: `QEMU cannot read it: ${plainOutput(end.complaint, 500)}`, isDamaged: true };
  const info = JSON.parse(end.output) as ImageInfo;
  const virtualBytes = Number(info['virtual-size']);
  const more = info['format-specific']?.data;
  const hasOthers =
    info['backing-filename'] !== undefined ||
    info['full-backing-filename'] !== undefined ||
    more?.['data-file'] !== undefined ||
    more?.extents?.some(({ filename }) => filename !== place) === true;
  if (hasOthers)
    return refused(
      'It is a part of an image: it names further files that are read with it, and those are not followed.',
    );
  if (info.encrypted === true) return refused('It is encrypted.');
  if (!(virtualBytes >= HEAD_BYTES && virtualBytes <= VIRTUAL_BYTES_MAX))
    return refused('It claims a size that no disk has.');
  return { format, virtualBytes };
}

async function readHead(place: string, head: Buffer): Promise<number> {
  const handle = await open(place, 'r');
  try {
    return (await handle.read(head, 0, head.length, 0)).bytesRead;
  } finally {
    await handle.close();
  }
}

/** A backing file, or a file for its data: refused before QEMU opens any of them. */
function namesOtherFiles(head: Buffer): boolean {
  const hasBacking = head.readBigUInt64BE(8) !== 0n;
  const isThird = head.readUInt32BE(4) >= 3;
  const hasDataFile = isThird && (head.readBigUInt64BE(72) & 4n) !== 0n;
  return hasBacking || hasDataFile;
}
