/** Does a day look as if files had been encrypted? Pure, over the same figures as unusual growth. */
import type { DayFigures } from './day-figures.ts';
import { comparedDays, GROWTH_TIMES, isByFiles, medianOf, newDataOf } from './growth.ts';

/** Days with less new data than this are alike, whatever their ratios are. */
const NOISE_BYTES = 16_000_000;
/** Encrypted data does not compress: what is stored is as long as what was read, to within what the format adds. */
const INCOMPRESSIBLE = 0.97;
/** Data that usually shrinks to at most this share cannot stop doing so by chance. */
const USUALLY_COMPRESSES = 0.85;
/** Share of the whole source that is new in one day. A new video collection is incompressible as well, but adds files. */
const MASS_CHANGE_SHARE = 0.2;

/** Does the newest day look like mass encryption? A sentence about it; undefined when it does not. */
export function ransomwareSign(today: DayFigures, former: readonly DayFigures[]): string | undefined {
  const compared = comparedDays(today, former);
  const isOfFiles = isByFiles(today, compared);
  const now = newDataOf(today, isOfFiles);
  if (now.newBytes <= 0 || compared.length < GROWTH_TIMES.daysMin || now.storedBytes < NOISE_BYTES) return undefined;
  const compression = now.storedBytes / now.newBytes;
  const share = today.bytes <= 0 ? 0 : Math.min(1, now.newBytes / today.bytes);
  if (compression < INCOMPRESSIBLE || share < MASS_CHANGE_SHARE) return undefined;
  const usual = medianOf(
    compared.flatMap((one) => {
      const then = newDataOf(one, isOfFiles);
      return then.newBytes <= 0 ? [] : then.storedBytes / then.newBytes;
    }),
  );
  if (!(usual <= USUALLY_COMPRESSES)) return undefined;
  const files = medianOf(compared.map((one) => one.files));
  const grewByBytes = today.bytes / Math.max(1, medianOf(compared.map(({ bytes }) => bytes)));
  // Encryption writes files anew in their place: as much data as before. What only came to it is growth, not encryption.
  if (grewByBytes > 1 + MASS_CHANGE_SHARE / 2 && today.files > files) return undefined;
  return `${percent(share)} of its data is new in one day and no longer compresses (it is stored at ${percent(compression)} of its size, usually at ${percent(usual)}).`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
