import { FileReader } from './file-reader.ts';
import { BrokenFormat, type FormatFinding, TooLarge } from './finding.ts';
import { readOle } from './read-ole.ts';
import { readPdf } from './read-pdf.ts';
import { isTarHeader, readPacked, readTar } from './read-tar.ts';
import { readZip } from './read-zip.ts';

/** What a name promises. */
const NAMES: readonly (readonly [ending: RegExp, format: string])[] = [
  [/\.(?:zip|jar|war|apk|epub|docx|docm|xlsx|xlsm|xlsb|pptx|pptm|odt|ods|odp)$/i, 'zip'],
  [/\.pdf$/i, 'pdf'],
  [/\.(?:doc|xls|ppt|msg)$/i, 'ole'],
  [/\.(?:gz|tgz)$/i, 'gzip'],
  [/\.(?:zst|tzst)$/i, 'zstd'],
  [/\.tar$/i, 'tar'],
];
const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/** Does the name, or the beginning, say that the file is of a format that is read here? */
export function isReadable(name: string): boolean {
  return NAMES.some(([ending]) => ending.test(name));
}

/** Reads a file by the format that its first bytes show. Undefined: none that is read here. */
export async function readFormat(path: string, name: string): Promise<FormatFinding | undefined> {
  const file = new FileReader(path);
  const promised = NAMES.find(([ending]) => ending.test(name))?.[1];
  try {
    const format = formatOf(file);
    if (file.size === 0)
      return promised === undefined
        ? undefined
        : {
            format: `a file named like ${promised}`,
            state: 'empty',
            contents: 'nothing',
            reason: 'it is 0 bytes long',
          };
    if (format === undefined) {
      if (promised === undefined) return undefined;
      return {
        format: `a file named like ${promised}`,
        state: 'broken',
        contents: `${file.size.toLocaleString('en')} bytes`,
        reason: `it does not begin like ${promised}`,
      };
    }
    return await READERS[format](file);
  } catch (error) {
    const known = { format: promised ?? 'a file', contents: `${file.size.toLocaleString('en')} bytes` };
    if (error instanceof TooLarge) return { ...known, state: 'unread', reason: error.message };
    if (error instanceof BrokenFormat) return { ...known, state: 'broken', reason: error.message };
    throw error;
  } finally {
    file.close();
  }
}

const READERS = {
  zip: readZip,
  pdf: async (file: FileReader) => await Promise.resolve(readPdf(file)),
  ole: async (file: FileReader) => await Promise.resolve(readOle(file)),
  gzip: async (file: FileReader) => await readPacked(file, 'gzip'),
  zstd: async (file: FileReader) => await readPacked(file, 'zstd'),
  tar: readTar,
} as const;

function formatOf(file: FileReader): keyof typeof READERS | undefined {
  const head = file.read(0, Math.min(1024, file.size));
  const starts = (...bytes: number[]): boolean => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (starts(0x50, 0x4b, 0x03, 0x04) || starts(0x50, 0x4b, 0x05, 0x06)) return 'zip';
  if (starts(0x1f, 0x8b)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (head.subarray(0, 8).equals(OLE)) return 'ole';
  if (head.includes('%PDF-')) return 'pdf';
  return isTarHeader(head.subarray(0, 512)) ? 'tar' : undefined;
}
