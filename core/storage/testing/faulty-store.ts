/**
 * A store with scripted faults, for the tests of everything that stands on a store: the Nth call of an operation fails
 * before or after it took effect, or its bytes come back flipped or cut short. What was not scripted passes through.
 */
import { HoldfastError } from '../../base/errors.ts';
import type { AdministerStore, ReadCreateStore } from '../port.ts';

export type FaultyOperation = 'head' | 'get' | 'stream' | 'list' | 'create' | 'remove';

export interface Fault {
  readonly operation: FaultyOperation;
  /** Counted from 1, among the calls of this operation that match `key`. */
  readonly nth: number;
  /** Counts only calls whose key contains this text, or matches this expression. */
  readonly key?: string | RegExp;
  /** From the Nth call on, not the Nth alone. */
  readonly isLasting?: boolean;
  /**
   * fail_before: an error, and nothing happened. fail_after: an error, though it happened (a lost answer). flip: the bytes
   * differ in one bit (of what is read, or of what is stored). truncate: the second half is missing. missing: as if the
   * object were not there.
   */
  readonly effect: 'fail_before' | 'fail_after' | 'flip' | 'truncate' | 'missing';
  /** Instead of storage_unavailable. */
  readonly error?: unknown;
}

export interface FaultyStore extends ReadCreateStore, AdministerStore {
  /** How often each operation was called. */
  readonly calls: Readonly<Record<FaultyOperation, number>>;
  /** Faults that have struck, as `create 3 data/ab/…: fail_after`. */
  readonly struck: readonly string[];
  /** Replaces what is still to come; counting starts anew. */
  script(plan: readonly Fault[]): void;
}

/** Removing is an error where `inner` cannot. */
export function createFaultyStore(
  inner: ReadCreateStore & Partial<AdministerStore>,
  plan: readonly Fault[] = [],
): FaultyStore {
  const calls: Record<FaultyOperation, number> = { head: 0, get: 0, stream: 0, list: 0, create: 0, remove: 0 };
  const struck: string[] = [];
  let faults = plan.map((fault) => ({ fault, seen: 0 }));

  const next = (operation: FaultyOperation, key: string): Fault | undefined => {
    calls[operation]++;
    let due: Fault | undefined;
    for (const entry of faults) {
      if (entry.fault.operation !== operation || !matches(entry.fault.key, key)) continue;
      entry.seen++;
      const isDue = entry.fault.isLasting === true ? entry.seen >= entry.fault.nth : entry.seen === entry.fault.nth;
      if (isDue) due ??= entry.fault;
    }
    if (due !== undefined) struck.push(`${operation} ${calls[operation]} ${key}: ${due.effect}`);
    return due;
  };

  return {
    calls,
    struck,
    script(newPlan) {
      faults = newPlan.map((fault) => ({ fault, seen: 0 }));
    },
    async head(key) {
      const fault = next('head', key);
      if (fault?.effect === 'missing') return undefined;
      failBefore(fault);
      const info = await inner.head(key);
      failAfter(fault);
      if (info === undefined) return undefined;
      if (fault?.effect === 'truncate') return { ...info, size: info.size >> 1 };
      if (fault?.effect === 'flip') return { ...info, crc32c: info.crc32c === 'AAAAAA==' ? 'AAAAAQ==' : 'AAAAAA==' };
      return info;
    },
    async get(key, range) {
      const fault = next('get', key);
      if (fault?.effect === 'missing') throw missing(key);
      failBefore(fault);
      const bytes = await inner.get(key, range);
      failAfter(fault);
      return distort(fault, bytes);
    },
    async *stream(key) {
      const fault = next('stream', key);
      if (fault?.effect === 'missing') throw missing(key);
      failBefore(fault);
      // The fault strikes the first piece: half of the object has passed as good when its end is missing.
      let isFirst = true;
      for await (const piece of inner.stream(key)) {
        if (isFirst && (fault?.effect === 'flip' || fault?.effect === 'truncate')) {
          yield distort(fault, piece);
          if (fault.effect === 'truncate') return;
        } else yield piece;
        isFirst = false;
      }
      failAfter(fault);
    },
    async *list(prefix) {
      const fault = next('list', prefix);
      failBefore(fault);
      if (fault?.effect === 'missing') return;
      let left = fault?.effect === 'truncate' ? 1 : Number.POSITIVE_INFINITY;
      for await (const object of inner.list(prefix)) {
        if (left-- <= 0) return;
        yield object;
      }
      failAfter(fault);
    },
    async create(key, bytes, options) {
      const fault = next('create', key);
      failBefore(fault);
      // What is stored is distorted behind the back of the checksum, as a failing disk would.
      if (fault?.effect === 'flip' || fault?.effect === 'truncate')
        return await inner.create(key, distort(fault, bytes));
      const answer = await inner.create(key, bytes, options);
      failAfter(fault);
      return answer;
    },
    async remove(key, generation) {
      const fault = next('remove', key);
      failBefore(fault);
      if (inner.remove === undefined) throw new Error('the store behind this one removes nothing');
      await inner.remove(key, generation);
      failAfter(fault);
    },
  };
}

function matches(wanted: string | RegExp | undefined, key: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? key.includes(wanted) : wanted.test(key);
}

function failBefore(fault: Fault | undefined): void {
  if (fault?.effect === 'fail_before') throw failure(fault);
}

function failAfter(fault: Fault | undefined): void {
  if (fault?.effect === 'fail_after') throw failure(fault);
}

function failure(fault: Fault): unknown {
  return (
    fault.error ??
    new HoldfastError('storage_unavailable', 'The backup storage did not answer properly (scripted fault).', {
      detail: { operation: fault.operation, nth: fault.nth, effect: fault.effect },
    })
  );
}

function missing(key: string): HoldfastError {
  return new HoldfastError('object_missing', 'An object that was asked for is not in the store (scripted fault).', {
    detail: { key },
  });
}

function distort(fault: Fault | undefined, bytes: Uint8Array): Uint8Array {
  if (fault?.effect === 'truncate') return bytes.slice(0, bytes.length >> 1);
  if (fault?.effect !== 'flip' || bytes.length === 0) return bytes;
  const copy = Uint8Array.from(bytes);
  copy[copy.length >> 1] = copy[copy.length >> 1]! ^ 1;
  return copy;
}
