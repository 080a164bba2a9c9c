/**
 * A file that lies in memory and in no folder, for bytes that another process is to read: its descriptor is all there is of it, and
 * it is gone with the last one. Node has no call for it.
 */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** memfd_create(2): no program that is started gets it unasked. */
const MFD_CLOEXEC = 1;

export interface AnonymousFile {
  readonly descriptor: number;
  /** Another descriptor of it, by which nobody can write. */
  readonly readOnly: number;
  /** Whoever got the descriptor before still reads. */
  close(): void;
}

/** Undefined where the system has no such thing, or no native function can be called. */
export function createAnonymousFile(name: string): AnonymousFile | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    create ??= declareCreate();
    const descriptor = create(name, MFD_CLOEXEC);
    if (descriptor < 0) return undefined;
    try {
      const readOnly = openSync(`/proc/self/fd/${descriptor}`, 'r');
      return {
        descriptor,
        readOnly,
        close() {
          closeSync(descriptor);
          closeSync(readOnly);
        },
      };
    } catch {
      closeSync(descriptor);
      return undefined;
    }
  } catch {
    return undefined; // slower, and not otherwise different
  }
}

let create: ((name: string, flags: number) => number) | undefined;

function declareCreate(): (name: string, flags: number) => number {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi.load(null).func('int memfd_create(const char *name, unsigned int flags)') as typeof create & object;
}
