/**
 * libc's calls, declared by hand: a wrong type here ends the process, so that there are few, each with a test. All of them
 * take pointers into buffers of this module, which are used again by every call: nothing is allocated where a file has no
 * attributes, as most have none.
 */
import { getSystemErrorName } from 'node:util';
import type * as KoffiModule from 'koffi';
import type { NativeFiles, Place } from './native-files.ts';

type Koffi = Pick<typeof KoffiModule, 'load' | 'errno'>;
/** Returns a count, or -1 and sets errno. */
type Call = (...values: (number | bigint | Uint8Array | BigInt64Array | null)[]) => number;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** Linux gives no longer list, value or name: limits.h. */
const LIST_BYTES_MAX = 65_536;
/** Asked for first: the kernel makes room for all that it is asked for, which takes it as long as all the rest. */
const LIST_BYTES_FIRST = 1024;
const VALUE_BYTES_MAX = 65_536;
const NAME_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4095;
/** A file system without attributes says the one, a share of Windows the other. */
const ERANGE = 34;
const NO_ATTRIBUTES: readonly number[] = [95, 61];
const NANOSECONDS = 1_000_000_000n;
/** By number, for glibc before 2.33 has no symbol `mknodat`. */
const SYS_MKNODAT: Readonly<Record<string, number>> = { x64: 259, arm64: 33 };
const NO_NAMES: readonly Buffer[] = [];

/** @throws when the library or one of the symbols is not there. */
export function libcFiles(koffi: Koffi, arch: string): NativeFiles {
  return new LibcFiles(koffi, SYS_MKNODAT[arch]!);
}

class LibcFiles implements NativeFiles {
  readonly #errno: () => number;
  readonly #mknodat: number;
  readonly #path = Buffer.alloc(PATH_BYTES_MAX + 1);
  readonly #name = Buffer.alloc(NAME_BYTES_MAX + 1);
  readonly #list = Buffer.alloc(LIST_BYTES_MAX);
  readonly #value = Buffer.alloc(VALUE_BYTES_MAX);
  /** Two `struct timespec`: seconds and nanoseconds of the access, then of the modification. */
  readonly #times = new BigInt64Array(4);
  readonly #llistxattr: Call;
  readonly #flistxattr: Call;
  readonly #lgetxattr: Call;
  readonly #fgetxattr: Call;
  readonly #lsetxattr: Call;
  readonly #fsetxattr: Call;
  readonly #lremovexattr: Call;
  readonly #fremovexattr: Call;
  readonly #utimensat: Call;
  readonly #futimens: Call;
  readonly #fchmodat: Call;
  readonly #syscall: Call;

  constructor(koffi: Koffi, mknodat: number) {
    const libc = koffi.load(null); // what the process itself is linked with
    const declare = (signature: string): Call => libc.func(signature);
    this.#errno = koffi.errno;
    this.#mknodat = mknodat;
    this.#llistxattr = declare('int64_t llistxattr(const void *path, void *list, size_t size)');
    this.#flistxattr = declare('int64_t flistxattr(int fd, void *list, size_t size)');
    this.#lgetxattr = declare('int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)');
    this.#fgetxattr = declare('int64_t fgetxattr(int fd, const void *name, void *value, size_t size)');
    this.#lsetxattr = declare(
      'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
    );
    this.#fsetxattr = declare('int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)');
    this.#lremovexattr = declare('int lremovexattr(const void *path, const void *name)');
    this.#fremovexattr = declare('int fremovexattr(int fd, const void *name)');
    this.#utimensat = declare('int utimensat(int folder, const void *path, const void *times, int flags)');
    this.#futimens = declare('int futimens(int fd, const void *times)');
    this.#fchmodat = declare('int fchmodat(int folder, const void *path, uint32_t mode, int flags)');
    this.#syscall = declare(
      'int64_t syscall(int64_t number, int64_t folder, const void *path, int64_t mode, int64_t dev)',
    );
  }

  attributeNames(place: Place): readonly Buffer[] {
    let count = this.#listNames(place, LIST_BYTES_FIRST);
    if (count < 0 && this.#errno() === ERANGE) count = this.#listNames(place, LIST_BYTES_MAX);
    if (count === 0) return NO_NAMES;
    if (count < 0) {
      if (NO_ATTRIBUTES.includes(this.#errno())) return NO_NAMES;
      throw this.#error('listxattr');
    }
    const names: Buffer[] = [];
    for (let start = 0; start < count; ) {
      const end = this.#list.indexOf(0, start);
      names.push(Buffer.from(this.#list.subarray(start, end)));
      start = end + 1;
    }
    return names;
  }

  #listNames(place: Place, bytesMax: number): number {
    return typeof place === 'number'
      ? this.#flistxattr(place, this.#list, bytesMax)
      : this.#llistxattr(this.#pathOf(place), this.#list, bytesMax);
  }

  attribute(place: Place, name: Uint8Array): Buffer {
    const key = this.#nameOf(name);
    const count =
      typeof place === 'number'
        ? this.#fgetxattr(place, key, this.#value, VALUE_BYTES_MAX)
        : this.#lgetxattr(this.#pathOf(place), key, this.#value, VALUE_BYTES_MAX);
    if (count < 0) throw this.#error('getxattr');
    return Buffer.from(this.#value.subarray(0, count));
  }

  setAttribute(place: Place, name: Uint8Array, value: Uint8Array): void {
    const key = this.#nameOf(name);
    const result =
      typeof place === 'number'
        ? this.#fsetxattr(place, key, value, value.length, 0)
        : this.#lsetxattr(this.#pathOf(place), key, value, value.length, 0);
    if (result !== 0) throw this.#error('setxattr');
  }

  removeAttribute(place: Place, name: Uint8Array): void {
    const key = this.#nameOf(name);
    const result =
      typeof place === 'number' ? this.#fremovexattr(place, key) : this.#lremovexattr(this.#pathOf(place), key);
    if (result !== 0) throw this.#error('removexattr');
  }

  setTimes(place: Place, atimeNs: bigint, mtimeNs: bigint): void {
    const times = this.#times;
    times[0] = floorSeconds(atimeNs);
    times[1] = atimeNs - times[0] * NANOSECONDS;
    times[2] = floorSeconds(mtimeNs);
    times[3] = mtimeNs - times[2] * NANOSECONDS;
    const result =
      typeof place === 'number'
        ? this.#futimens(place, times)
        : this.#utimensat(AT_FDCWD, this.#pathOf(place), times, AT_SYMLINK_NOFOLLOW);
    if (result !== 0) throw this.#error('utimensat');
  }

  setMode(path: Buffer, permissions: number): void {
    if (this.#fchmodat(AT_FDCWD, this.#pathOf(path), permissions, AT_SYMLINK_NOFOLLOW) !== 0)
      throw this.#error('fchmodat');
  }

  makeNode(path: Buffer, mode: number, device: bigint): void {
    if (this.#syscall(this.#mknodat, AT_FDCWD, this.#pathOf(path), mode, device) !== 0) throw this.#error('mknodat');
  }

  /** With the zero byte that ends it for libc, in the buffer that all calls share. */
  #pathOf(path: Buffer): Buffer {
    if (path.length > PATH_BYTES_MAX) throw systemError('ENAMETOOLONG', 'path');
    if (path.includes(0)) throw systemError('EINVAL', 'path');
    path.copy(this.#path);
    this.#path[path.length] = 0;
    return this.#path;
  }

  #nameOf(name: Uint8Array): Buffer {
    if (name.length > NAME_BYTES_MAX) throw systemError('ERANGE', 'name of an attribute');
    if (name.length === 0 || name.includes(0)) throw systemError('EINVAL', 'name of an attribute');
    this.#name.set(name);
    this.#name[name.length] = 0;
    return this.#name;
  }

  #error(syscall: string): Error {
    return systemError(getSystemErrorName(-this.#errno()), syscall);
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}

/** Rounded down: a time before 1970 has whole negative seconds and nanoseconds that count up. */
function floorSeconds(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / NANOSECONDS;
  return seconds * NANOSECONDS > nanoseconds ? seconds - 1n : seconds;
}
