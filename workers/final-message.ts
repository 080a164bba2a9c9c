import { HoldfastError } from '../core/base/errors.ts';

/** These pass: the job is tried again, or somebody else has it. */
const PASSING = new Set(['storage_unavailable', 'cancelled', 'conflict']);

/** The sentence for the person who waits, when another attempt would end in the same way; undefined when it might not. */
export function finalMessage(error: unknown): string | undefined {
  return error instanceof HoldfastError && !PASSING.has(error.code) ? error.message : undefined;
}
