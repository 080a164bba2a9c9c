/** An archive as Linux unpacks it into its first file system ("newc"); written by hand, for devices in it need no rights here. */
export interface CpioEntry {
  readonly name: string;
  readonly mode: number;
  /** Contents, or where a link leads. */
  readonly data?: string | Buffer;
  /** Major and minor number. */
  readonly device?: readonly [number, number];
}

export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const all = [...entries, { name: 'TRAILER!!!', mode: 0 }];
  return Buffer.concat(all.flatMap((entry, at) => record(entry, at + 1)));
}

function record({ name, mode, data = '', device = [0, 0] }: CpioEntry, inode: number): Buffer[] {
  const bytes = Buffer.from(data);
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, ...device, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return [padded(Buffer.from(head, 'latin1')), padded(bytes)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
