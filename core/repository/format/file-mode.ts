/** Modes as Go's fs.FileMode stores them, and as Unix knows them. */
import type { NodeType } from '../types.ts';

const GO = {
  dir: 0x8000_0000,
  symlink: 0x0800_0000,
  device: 0x0400_0000,
  fifo: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  charDevice: 0x0020_0000,
  sticky: 0x0010_0000,
} as const;

const FORMAT_MASK = 0o170_000;
const TYPES: Readonly<Record<number, { readonly type: NodeType; readonly bits: number }>> = {
  0o100_000: { type: 'file', bits: 0 },
  0o040_000: { type: 'dir', bits: GO.dir },
  0o120_000: { type: 'symlink', bits: GO.symlink },
  0o060_000: { type: 'dev', bits: GO.device },
  0o020_000: { type: 'chardev', bits: GO.device + GO.charDevice },
  0o010_000: { type: 'fifo', bits: GO.fifo },
  0o140_000: { type: 'socket', bits: GO.socket },
};

/** st_mode to fs.FileMode. Sums, not `|`: the directory bit would make a negative 32-bit number. */
export function goMode(stMode: number): number {
  let mode = (stMode & 0o777) + (TYPES[stMode & FORMAT_MASK]?.bits ?? 0);
  if (stMode & 0o4000) mode += GO.setuid;
  if (stMode & 0o2000) mode += GO.setgid;
  if (stMode & 0o1000) mode += GO.sticky;
  return mode;
}

export function nodeTypeOf(stMode: number): NodeType {
  return TYPES[stMode & FORMAT_MASK]?.type ?? 'irregular';
}

/** Permission bits of a stored mode as chmod takes them: rwx and, when there, setuid, setgid, sticky. */
export function unixPermissions(mode: number): number {
  let bits = mode & 0o777;
  if (mode & GO.setuid) bits |= 0o4000;
  if (mode & GO.setgid) bits |= 0o2000;
  if (mode & GO.sticky) bits |= 0o1000;
  return bits;
}
