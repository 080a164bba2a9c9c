/** The signals of unusual growth in words that say what was measured, and what is usual. Pure. */
import { formatBytes } from '../format.ts';
import { percentText } from '../sla/percent-text.ts';
import type { GrowthSignal, GrowthSignalName } from './growth.ts';

interface SignalWords {
  /** As the title of its chart. */
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly meaning: string;
  readonly format: (value: number) => string;
}

export const GROWTH_WORDS: Readonly<Record<GrowthSignalName, SignalWords>> = {
  unique: {
    name: 'New data',
    meaning: 'Bytes of a day that no backup had stored before.',
    format: (bytes) => (bytes < 1 ? 'none' : formatBytes(bytes)),
  },
  changed: {
    name: 'Changed files',
    meaning: 'Share of the files of the backup before whose contents are others now.',
    format: shareWords,
  },
  gone: {
    name: 'Files that are gone',
    meaning: 'Share of the files of the backup before that are no longer in it: deleted, moved or left out.',
    format: shareWords,
  },
  entropy: {
    name: 'Randomness of new data',
    meaning:
      'Mean entropy of a sample of what is new: text has 4 to 5 bits a byte, compressed and encrypted files nearly 8.',
    format: (bits) => `${(Math.floor(bits * 10) / 10).toFixed(1)} of 8 bits`,
  },
  known: {
    name: 'Known before',
    meaning: 'Share of what was read of changed files that the vault had already (deduplication).',
    format: shareWords,
  },
  stored: {
    name: 'Stored size of new data',
    meaning: 'What new data was stored at, as a share of its size: encrypted files do not get smaller.',
    format: shareWords,
  },
};

/** One signal as a part of a sentence, with its value and what is usual. */
export function signalWords({ name, value, usual }: GrowthSignal): string {
  const { format } = GROWTH_WORDS[name];
  const [now, before] = [format(value), format(usual)];
  switch (name) {
    case 'unique':
      return `${now} of new data in a day (usually ${before})`;
    case 'changed':
      return `${now} of the files changed (usually ${before})`;
    case 'gone':
      return `${now} of the files gone (usually ${before})`;
    case 'entropy':
      return `new data more random than usual, ${now} a byte (usually ${before})`;
    case 'known':
      return `${now} of what was read was known before (usually ${before})`;
    case 'stored':
      return `new data stored at ${now} of its size (usually ${before})`;
  }
}

/** Never rounded up to all of it, and never down to none. */
function shareWords(share: number): string {
  if (share <= 0) return 'none';
  return share < 0.001 ? 'under 0.1 %' : percentText(share, share < 0.1 ? 1 : 0);
}
