import { HoldfastError } from '../../core/base/errors.ts';

export const REASON_CHARS_MAX = 1000;

/** @throws HoldfastError bad_request for no words, or too many. The customer reads them. */
export function checkReason(words: string): string {
  const said = words.trim();
  if (said === '') throw new HoldfastError('bad_request', 'Say why, in a few words: the customer will read it.');
  if (said.length > REASON_CHARS_MAX)
    throw new HoldfastError('bad_request', `Say it in at most ${REASON_CHARS_MAX} characters.`);
  return said;
}
