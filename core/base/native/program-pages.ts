/**
 * Gives back the pages of Node's own program that only its start needed: its loader and its compilers, half of what it holds in
 * memory by then. They lie in a file, from which whatever is used again is mapped again; nothing is lost, and nothing read anew while
 * the system has memory. Node has no call for it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** madvise(2). */
const MADV_DONTNEED = 4;

/** A part of the address space, in bytes. */
export interface AddressRange {
  readonly start: bigint;
  readonly length: bigint;
}

/** Does nothing where the system has no such thing, or no native function can be called. */
export function releaseProgramPages(): void {
  if (process.platform !== 'linux') return;
  try {
    const ranges = unwrittenParts(readFileSync('/proc/self/smaps', 'latin1'), process.execPath);
    advise ??= declareAdvise();
    for (const { start, length } of ranges) advise(start, length, MADV_DONTNEED);
  } catch {
    // more memory, and not otherwise different
  }
}

const MAPPING = /^(?<start>[0-9a-f]+)-(?<end>[0-9a-f]+) (?<rights>\S{4}) \S+ \S+ \S+ *(?<file>.*)$/;
const NOTHING_WRITTEN = /^Anonymous: +0 kB$/;

/**
 * Of a text as /proc/PID/smaps has it (proc_pid_smaps(5)): the parts of a file's mapping that nobody may write and of which nobody
 * ever wrote a page. What was written, by a loader or a debugger, would be gone.
 */
export function unwrittenParts(smaps: string, file: string): AddressRange[] {
  const parts: AddressRange[] = [];
  let part: AddressRange | undefined;
  for (const line of smaps.split('\n')) {
    const mapping = MAPPING.exec(line)?.groups;
    if (mapping !== undefined) {
      const isOurs = mapping.file === file && /^r-[-x]p$/.test(mapping.rights ?? '');
      const [start, end] = [BigInt(`0x${mapping.start}`), BigInt(`0x${mapping.end}`)];
      part = isOurs ? { start, length: end - start } : undefined;
    } else if (part !== undefined && NOTHING_WRITTEN.test(line)) parts.push(part);
  }
  return parts;
}

type Advise = (start: bigint, length: bigint, advice: number) => number;
let advise: Advise | undefined;

function declareAdvise(): Advise {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi.load(null).func('int madvise(uintptr_t start, size_t length, int advice)');
}
