/** The firmware for systems that start by UEFI, from Debian's package ovmf, or where other distributions keep the same. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export interface Uefi {
  /** Read only, and shared by all. */
  readonly code: string;
  /** What a new machine has in its memory of settings; each gets a copy of its own. */
  readonly settings: string;
}

const PLACES: readonly Uefi[] = [
  { code: 'OVMF/OVMF_CODE_4M.fd', settings: 'OVMF/OVMF_VARS_4M.fd' },
  { code: 'OVMF/OVMF_CODE.fd', settings: 'OVMF/OVMF_VARS.fd' },
  { code: 'edk2/ovmf/OVMF_CODE.fd', settings: 'edk2/ovmf/OVMF_VARS.fd' },
  { code: 'edk2/x64/OVMF_CODE.4m.fd', settings: 'edk2/x64/OVMF_VARS.4m.fd' },
];

/** Undefined: it is not installed. */
export function findUefi(folder = '/usr/share'): Uefi | undefined {
  const found = PLACES.find((place) => Object.values(place).every((name) => existsSync(path.join(folder, name))));
  return found && { code: path.join(folder, found.code), settings: path.join(folder, found.settings) };
}
