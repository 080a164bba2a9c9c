/** The figures of a manifest about its files, as the columns of a restore point and back. */
import type { FileFigures } from '../../core/domain/alerts/day-figures.ts';
import type { ChangeFigures } from '../../core/protocol/manifest.ts';

/** All null: the agent did not say. Counts and bytes. */
export interface ChangeColumns {
  readonly formerFiles: bigint | null;
  readonly changedFiles: bigint | null;
  readonly goneFiles: bigint | null;
  readonly fileReadBytes: bigint | null;
  readonly fileNewBytes: bigint | null;
  readonly fileStoredBytes: bigint | null;
  readonly entropyBits: number | null;
}

/** For a query by Prisma. */
export const CHANGE_COLUMNS = {
  formerFiles: true,
  changedFiles: true,
  goneFiles: true,
  fileReadBytes: true,
  fileNewBytes: true,
  fileStoredBytes: true,
  entropyBits: true,
} as const satisfies Record<keyof ChangeColumns, true>;

export function toChangeColumns(changes: ChangeFigures | undefined): ChangeColumns {
  const files = changes?.files ?? null;
  const count = (value: number | undefined): bigint | null => (value === undefined ? null : BigInt(value));
  return {
    formerFiles: count(files?.former),
    changedFiles: count(files?.changed),
    goneFiles: count(files?.gone),
    fileReadBytes: count(changes?.readBytes),
    fileNewBytes: count(changes?.newBytes),
    fileStoredBytes: count(changes?.storedBytes),
    entropyBits: changes?.entropy?.bits ?? null,
  };
}

/** Takes what came by a query of its own as well, as numbers. */
export function toFileFigures(
  row: {
    readonly [Key in keyof ChangeColumns]: ChangeColumns[Key] | number;
  },
): FileFigures | null {
  const { formerFiles, changedFiles, goneFiles, fileReadBytes, fileNewBytes, fileStoredBytes, entropyBits } = row;
  if (fileReadBytes === null) return null;
  return {
    files:
      formerFiles === null
        ? null
        : { former: Number(formerFiles), changed: Number(changedFiles), gone: Number(goneFiles) },
    readBytes: Number(fileReadBytes),
    newBytes: Number(fileNewBytes),
    storedBytes: Number(fileStoredBytes),
    entropyBits,
  };
}
