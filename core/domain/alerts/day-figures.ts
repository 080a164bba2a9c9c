/** What the backups of a source brought, day by day: the rows that unusual growth is looked for in. Pure. */

/** What an agent saw of the files themselves; dumps of databases are left out. Figures of signed manifests. */
export interface FileFigures {
  /** Of the backup before, and what became of them; null where nothing was compared. */
  readonly files: { readonly former: number; readonly changed: number; readonly gone: number } | null;
  /** Bytes of files that were opened. */
  readonly readBytes: number;
  /** Of these, the bytes that the vault did not have. */
  readonly newBytes: number;
  /** What the new ones were stored at: compressed and encrypted. */
  readonly storedBytes: number;
  /** Mean entropy of the new bytes, 0 to 8 bits a byte; null where too little was new. */
  readonly entropyBits: number | null;
}

export interface SealedBackup {
  readonly sealedMs: number;
  /** New bytes of all that was backed up as they were stored, dumps and folders with them. */
  readonly storedBytes: number;
  /** The same before compression; null where an older backup did not say. */
  readonly addedBytes: number | null;
  readonly files: number;
  readonly bytes: number;
  /** Null where the agent is older than these figures. */
  readonly changes: FileFigures | null;
}

/** One day of a source. */
export interface DayFigures extends Omit<SealedBackup, 'sealedMs'> {
  /** Days since some fixed day, so that gaps are seen. */
  readonly day: number;
}

const DAY_MS = 86_400_000;
/** A backup of about the same hour belongs to its own day even when it ends up to so much earlier than today's. */
const JITTER_MS = DAY_MS / 4;

/**
 * The backups of a source by day, counted back from now, so that each day holds the same hours: today is day 0, yesterday -1.
 * Days without a backup are left out. What is counted is summed; the size of the source is that of the day's newest backup.
 */
export function figuresByDay(backups: readonly SealedBackup[], nowMs: number): DayFigures[] {
  const byDay = Map.groupBy(backups, ({ sealedMs }) =>
    Math.min(0, -Math.floor((nowMs - sealedMs + JITTER_MS) / DAY_MS)),
  );
  return [...byDay]
    .map(([day, of]) => {
      const newest = of.reduce((a, b) => (b.sealedMs > a.sealedMs ? b : a));
      const added = of.map(({ addedBytes }) => addedBytes);
      return {
        day: day === 0 ? 0 : day,
        storedBytes: of.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
        addedBytes: added.includes(null) ? null : added.reduce<number>((sum, one) => sum + (one ?? 0), 0),
        files: newest.files,
        bytes: newest.bytes,
        changes: sumOfChanges(of.map(({ changes }) => changes)),
      };
    })
    .sort((a, b) => a.day - b.day);
}

/** Null as soon as one backup of the day does not say: half a day is no day. */
function sumOfChanges(all: readonly (FileFigures | null)[]): FileFigures | null {
  const known = all.filter((one) => one !== null);
  if (known.length < all.length || known.length === 0) return null;
  const sumOf = (of: (one: FileFigures) => number): number => known.reduce((sum, one) => sum + of(one), 0);
  const compared = known.flatMap(({ files }) => files ?? []);
  const looked = known.filter(({ entropyBits }) => entropyBits !== null);
  const lookedBytes = looked.reduce((sum, { newBytes }) => sum + newBytes, 0);
  return {
    files:
      compared.length === 0
        ? null
        : {
            former: Math.max(...compared.map(({ former }) => former)),
            changed: compared.reduce((sum, { changed }) => sum + changed, 0),
            gone: compared.reduce((sum, { gone }) => sum + gone, 0),
          },
    readBytes: sumOf(({ readBytes }) => readBytes),
    newBytes: sumOf(({ newBytes }) => newBytes),
    storedBytes: sumOf(({ storedBytes }) => storedBytes),
    entropyBits:
      lookedBytes === 0
        ? null
        : looked.reduce((sum, { entropyBits, newBytes }) => sum + entropyBits! * newBytes, 0) / lookedBytes,
  };
}
