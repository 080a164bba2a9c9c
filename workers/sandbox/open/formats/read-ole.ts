/** Office files of the older kind (doc, xls, ppt, msg): a file system in a file. Its tables and every chain of sectors are followed. */
import type { FileReader } from './file-reader.ts';
import { BrokenFormat, type FormatFinding } from './finding.ts';

const END_OF_CHAIN = 0xffff_fffe;
const FREE = 0xffff_ffff;
const LAST_SECTOR = 0xffff_fffa;
const ENTRY_BYTES = 128;
const KINDS: Readonly<Record<string, string>> = {
  WordDocument: 'a Word document of the older kind',
  Workbook: 'an Excel workbook of the older kind',
  Book: 'an Excel workbook of the older kind',
  'PowerPoint Document': 'a PowerPoint presentation of the older kind',
  __properties_version1_0: 'an Outlook message',
};

export function readOle(file: FileReader): FormatFinding {
  const header = file.read(0, 512);
  const sectorBytes = 1 << header.readUInt16LE(30);
  if (sectorBytes !== 512 && sectorBytes !== 4096) throw new BrokenFormat('its header names an impossible sector size');
  if (header.readUInt16LE(28) !== 0xfffe) throw new BrokenFormat('its header is damaged');
  const sector = (number: number): Buffer => file.read((number + 1) * sectorBytes, sectorBytes);
  const sectors = Math.ceil(file.size / sectorBytes);
  const fat = new SectorTable(readFat(header, sector, sectors), sectors, 'its table of sectors');
  const directory = Buffer.concat(fat.chain(header.readUInt32LE(48)).map(sector));
  const miniCutoff = header.readUInt32LE(56);
  const miniChain = fat.chain(header.readUInt32LE(60));
  const mini = new SectorTable(
    miniChain.flatMap((number) => numbersOf(sector(number))),
    (miniChain.length * sectorBytes) / 4,
    'its table of small sectors',
  );
  let format = 'a compound document';
  let streams = 0;
  let isEncrypted = false;
  for (let at = 0; at + ENTRY_BYTES <= directory.length; at += ENTRY_BYTES) {
    const type = directory[at + 66];
    if (type !== 2 && type !== 5) continue;
    const nameBytes = Math.max(0, Math.min(64, directory.readUInt16LE(at + 64)) - 2);
    const name = directory.toString('utf16le', at, at + nameBytes);
    const first = directory.readUInt32LE(at + 116);
    const size = directory.readUInt32LE(at + 120);
    format = Object.entries(KINDS).find(([start]) => name.startsWith(start))?.[1] ?? format;
    if (name === 'EncryptedPackage') isEncrypted = true;
    if (size === 0) continue;
    const isMini = type === 2 && size < miniCutoff;
    const chain = (isMini ? mini : fat).chain(first);
    const room = chain.length * (isMini ? 64 : sectorBytes);
    if (room < size) throw new BrokenFormat(`the part ${printable(name)} breaks off after ${room} of ${size} bytes`);
    // The last sector of a file may be cut short where its data ends; all before it must be there.
    if (!isMini) for (const number of chain.slice(0, -1)) file.read((number + 1) * sectorBytes, 1);
    if (type === 2) streams++;
  }
  const contents = `${streams} parts, ${file.size.toLocaleString('en')} bytes`;
  if (isEncrypted)
    return { format: 'an office file', state: 'encrypted', contents, reason: 'it is protected by a password' };
  if (streams === 0) return { format, state: 'empty', contents, reason: 'it holds no part' };
  return { format, state: 'sound', contents, reason: '' };
}

function readFat(header: Buffer, sector: (number: number) => Buffer, sectors: number): number[] {
  const places: number[] = [];
  for (let at = 76; at < 512; at += 4) places.push(header.readUInt32LE(at));
  let next = header.readUInt32LE(68);
  for (let steps = 0; next < LAST_SECTOR; steps++) {
    if (steps > sectors) throw new BrokenFormat('the list of its tables runs in a circle');
    const numbers = numbersOf(sector(next));
    next = numbers.pop() ?? END_OF_CHAIN;
    places.push(...numbers);
  }
  return places.filter((place) => place !== FREE).flatMap((place) => numbersOf(sector(place)));
}

function numbersOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4));
}

class SectorTable {
  readonly #next: readonly number[];
  readonly #sectors: number;
  readonly #name: string;

  constructor(next: readonly number[], sectors: number, name: string) {
    this.#next = next;
    this.#sectors = sectors;
    this.#name = name;
  }

  /** @throws BrokenFormat when the chain leaves the table or comes back to itself. */
  chain(first: number): number[] {
    const chain: number[] = [];
    for (let at = first; at !== END_OF_CHAIN && at !== FREE; ) {
      if (chain.length > this.#sectors) throw new BrokenFormat(`${this.#name} runs in a circle`);
      chain.push(at);
      const next = this.#next[at];
      if (next === undefined || (next > LAST_SECTOR && next !== END_OF_CHAIN))
        throw new BrokenFormat(`${this.#name} leads to sector ${at}, which it does not have`);
      at = next;
    }
    return chain;
  }
}

function printable(name: string): string {
  // oxlint-disable-next-line no-control-regex
  return name.replaceAll(/[\u0000-\u001f\u007f]/g, '?');
}
