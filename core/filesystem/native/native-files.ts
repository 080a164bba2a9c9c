/**
 * What a file has and Node has no call for: extended attributes (ACLs are some of them), times to the nanosecond, devices,
 * fifos. libc is asked for them through koffi (docs/decisions/0009), which is loaded at the first use and may be missing:
 * then nothing of this can be kept, and whoever asked says so.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { libcFiles } from './libc-files.ts';

/** Name and value are bytes. */
export interface ExtendedAttribute {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** A path, whose last part is never followed when it is a link, or an open file. */
export type Place = Buffer | number;

/** Synchronous. What the system refuses is thrown as Node's own calls throw it, with `code` and `syscall`. */
export interface NativeFiles {
  /** In the order of the file system, which restic stores; none where the file system knows no attributes. */
  attributeNames(place: Place): readonly Buffer[];
  attribute(place: Place, name: Uint8Array): Buffer;
  setAttribute(place: Place, name: Uint8Array, value: Uint8Array): void;
  removeAttribute(place: Place, name: Uint8Array): void;
  /** Nanoseconds since 1970, negative before. */
  setTimes(place: Place, atimeNs: bigint, mtimeNs: bigint): void;
  /** Permissions with setuid, setgid and sticky, of an entry that is not opened: opening a device may do something. */
  setMode(path: Buffer, permissions: number): void;
  /** A fifo or a device; `mode` is st_mode with the type, `device` its st_rdev. Devices are root's to make. */
  makeNode(path: Buffer, mode: number, device: bigint): void;
}

export type Native = { readonly files: NativeFiles } | { readonly files: undefined; readonly missing: string };

/** For tests, and for places where no foreign code may run. */
export const NO_NATIVE: Native = { files: undefined, missing: 'calls into the system library are switched off' };

let loaded: Native | undefined;

/** Loads libc once a thread, some 15 ms; a thread that never asks pays nothing. Never throws. */
export function nativeFiles(): Native {
  return (loaded ??= load());
}

/** Structures and constants are written down for these alone; 64-bit Linux has the same ones with glibc and musl. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

function load(): Native {
  const { platform, arch } = process;
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch))
    return { files: undefined, missing: `they are not known to Holdfast on ${platform} ${arch}` };
  try {
    // Not an import: a machine without the prebuilt library still backs up, and says what it leaves out.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    return { files: libcFiles(koffi, arch) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { files: undefined, missing: `the system library could not be called (${code ?? String(error)})` };
  }
}
