/** What a drill looked at besides bytes, each look with its result: kept in the drill's row, shown to people, signed as evidence. */
import { z } from 'zod';

/** From the level at which the look is taken: 3 compares and opens files, 4 asks the application, 5 the whole system. */
export const DRILL_CHECK_KINDS = {
  witness: 3,
  archive: 4,
  document: 4,
  restore: 4,
  structure: 4,
  invariant: 4,
  row_count: 4,
  freshness: 4,
  boot: 5,
  port: 5,
  login: 5,
  script: 5,
} as const;
export type DrillCheckKind = keyof typeof DRILL_CHECK_KINDS;

/** Of a program's output, so much of the end is kept. */
export const CHECK_OUTPUT_CHARS = 8000;

export const drillCheck = z.strictObject({
  kind: z.enum(Object.keys(DRILL_CHECK_KINDS) as [DrillCheckKind, ...DrillCheckKind[]]),
  /** What was looked at, in the words of people: "PostgreSQL opens the dump of shop". */
  name: z.string().min(1).max(200),
  /** The file, database, table or machine. */
  subject: z.string().max(4096),
  /** A warning is no failure: something to look at. What was not looked at says why in `output`. */
  state: z.enum(['passed', 'failed', 'warning', 'skipped']),
  expected: z.string().max(2000).nullable(),
  actual: z.string().max(2000).nullable(),
  /** The end of what the program printed, or the reason. Control characters but line breaks are taken out. */
  output: z.string().max(CHECK_OUTPUT_CHARS),
  ms: z.number().int().min(0),
  /** SHA-256 of a picture that is kept with the drill: what the screen showed. */
  picture: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type DrillCheck = z.infer<typeof drillCheck>;

/**
 * The level that a drill has really reached: each level needs its own looks and none of them failed; a look that was skipped
 * proves nothing. A drill that compared no file has reached nothing, one that left a dump unopened no more than level 3,
 * whatever else it opened, and one that left a test of the whole system out has not reached 5 by the others.
 */
export function levelReached(checks: readonly Pick<DrillCheck, 'kind' | 'state'>[]): 0 | 3 | 4 | 5 {
  if (checks.some(({ state }) => state === 'failed')) return 0;
  const levels = new Set(
    checks.filter(({ state }) => state === 'passed' || state === 'warning').map(({ kind }) => DRILL_CHECK_KINDS[kind]),
  );
  if (!levels.has(3)) return 0;
  if (checks.some(({ kind, state }) => kind === 'restore' && state === 'skipped')) return 3;
  const leftOut = checks.some(({ kind, state }) => DRILL_CHECK_KINDS[kind] === 5 && state === 'skipped');
  if (levels.has(5) && !leftOut) return 5;
  return levels.has(4) ? 4 : 3;
}
