/** What the checks of stored bytes are called. */
import type { CheckLevel } from '../../core/domain/integrity.ts';

export const CHECK_LEVEL_WORDS: Readonly<Record<CheckLevel, { readonly name: string; readonly means: string }>> = {
  0: { name: 'Listed', means: 'Is there, in the right size' },
  1: { name: 'Read', means: 'Every byte read, and its hash compared with its name' },
  2: { name: 'Decrypted', means: 'Opened with the key, and every piece compared with its name' },
};

/** Of one check in a list. */
export function checkName({ purpose, level }: { readonly purpose: string; readonly level: number }): string {
  if (purpose === 'trace') return 'Who is hit by damage';
  if (purpose === 'repair') return 'Repair, checked again';
  const what = ['Listing', 'Reading', 'Decryption'][level] ?? 'Check';
  return purpose === 'point' ? `${what} of a restore point` : `${what} in turn`;
}
