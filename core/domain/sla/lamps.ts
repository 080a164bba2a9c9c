/**
 * Metric 14 of docs/metrics.md: the rule 3-2-1-1-0 as five lamps. A lamp is lit by what is known, never by what is likely, and
 * each says why it is as it is.
 */

const DAY_MS = 24 * 3_600_000;
/** A probe that the store refuses to delete counts for so long. */
const PROBE_DAYS = 7;

export const LAMP_KEYS = ['copies', 'media', 'offsite', 'locked', 'errors'] as const;
export type LampKey = (typeof LAMP_KEYS)[number];

export interface Lamp {
  readonly key: LampKey;
  /** What the rule asks for: "3", "2", "1", "1", "0". */
  readonly number: 3 | 2 | 1 | 0;
  readonly isLit: boolean;
  /** A sentence for people. */
  readonly reason: string;
}

/** A place outside the machine that holds the data. */
export interface BackupCopy {
  /** Who or what could destroy all copies of one name at once: a bucket of two regions is one. */
  readonly failureDomain: string;
  /** Elsewhere than the protected machines. */
  readonly isOffsite: boolean;
  /** Null: how far it is behind is not known. */
  readonly lagMs: number | null;
}

export interface LampFacts {
  readonly copies: readonly BackupCopy[];
  readonly rpoMs: number;
  /** Metric 13; null: nothing is stored that would have to be kept. */
  readonly deleteProofMs: number | null;
  readonly requiredDays: number;
  /** When the store was last asked to delete something and refused; null: that was never tried. */
  readonly probedMs: number | null;
  /** Metric 10 for level 1; null: nothing is stored. */
  readonly integrityShare: number | null;
  readonly openDamages: number;
  readonly sourcesNotDrilled: number;
  readonly nowMs: number;
}

export function lamps(facts: LampFacts): readonly Lamp[] {
  return [copies(facts), media(facts), offsite(facts), locked(facts), errors(facts)];
}

const lamp = (key: LampKey, number: Lamp['number'], isLit: boolean, reason: string): Lamp => ({
  key,
  number,
  isLit,
  reason,
});

/** The protected machine itself is one of the three. */
function copies({ copies: all, rpoMs }: LampFacts): Lamp {
  const fresh = all.filter(({ lagMs }) => lagMs !== null && lagMs <= 2 * rpoMs).length;
  const total = fresh + 1;
  return lamp(
    'copies',
    3,
    total >= 3,
    total >= 3
      ? `The machines themselves and ${fresh} copies that are up to date.`
      : total === 2
        ? 'The machines themselves and one copy. A third one, in a second store, is not set up.'
        : 'There is no copy that is up to date.',
  );
}

function media({ copies: all }: LampFacts): Lamp {
  const domains = new Set(all.map(({ failureDomain }) => failureDomain)).size;
  // The machine's own disk is one medium, each independent store another.
  const media = domains + 1;
  return lamp(
    'media',
    2,
    media >= 2,
    media >= 2
      ? 'The disks of the machines, and a store that does not fail with them.'
      : 'Nothing is stored apart from the machines.',
  );
}

function offsite({ copies: all }: LampFacts): Lamp {
  const isLit = all.some(({ isOffsite }) => isOffsite);
  return lamp(
    'offsite',
    1,
    isLit,
    isLit
      ? 'One copy lies in another place than the machines.'
      : 'No copy is known to lie in another place than the machines.',
  );
}

function locked({ deleteProofMs, requiredDays, probedMs, nowMs }: LampFacts): Lamp {
  const isHeld = deleteProofMs !== null && deleteProofMs >= requiredDays * DAY_MS;
  const isProbed = probedMs !== null && nowMs - probedMs <= PROBE_DAYS * DAY_MS;
  const reason =
    deleteProofMs === null
      ? 'Nothing is stored that could be locked.'
      : !isHeld
        ? deleteProofMs === 0
          ? 'The store does not lock what it holds: its owner could delete it.'
          : `What is stored is locked for less than the ${requiredDays} days that are asked for.`
        : isProbed
          ? 'What is stored is locked, and an attempt to delete it was refused within the last week.'
          : 'What is stored is locked, and nobody has tried within the last week whether the lock holds.';
  return lamp('locked', 1, isHeld && isProbed, reason);
}

function errors({ integrityShare, openDamages, sourcesNotDrilled }: LampFacts): Lamp {
  const reasons = [
    ...(openDamages > 0 ? [`${openDamages} ${openDamages === 1 ? 'damage is' : 'damages are'} not repaired yet`] : []),
    ...(integrityShare === null
      ? ['nothing is stored yet']
      : integrityShare < 1
        ? ['some stored bytes were not read again in time']
        : []),
    ...(sourcesNotDrilled > 0
      ? [
          `${sourcesNotDrilled} ${sourcesNotDrilled === 1 ? 'source lacks' : 'sources lack'} a restore test of the depth and age that is asked for`,
        ]
      : []),
  ];
  const [first, ...rest] = reasons;
  return lamp(
    'errors',
    0,
    first === undefined,
    first === undefined
      ? 'Every stored byte was read again in time, nothing is damaged, and every source was restored in a test.'
      : `${[first[0]!.toUpperCase() + first.slice(1), ...rest].join('; ')}.`,
  );
}
