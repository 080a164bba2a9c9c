/** What a frozen month says, beside what its rows say now: each figure that differs is an amendment that people see. */
import type { CustomerFigures } from './customer-figures.ts';

export interface FigureChange {
  /** A word of FIGURE_KEYS, or `tier/<key>` for the attainment of a tier. */
  readonly figure: string;
  readonly before: number | null;
  readonly after: number | null;
}

/** The figures by which a month is remembered; each as one number. */
const FIGURES = {
  attainment: ({ attainment }) => attainment,
  below_target: ({ belowTarget }) => belowTarget,
  worst: ({ worst }) => worst?.share ?? null,
  peak: ({ peak }) => peak?.ageMs ?? null,
  success: ({ schedule }) => schedule.success,
  missed: ({ counts }) => counts.missed,
  excused: ({ counts }) => counts.excused,
  excused_time: ({ excusedMs }) => excusedMs,
  restore_points: ({ restorePoints }) => restorePoints,
  drills_passed: ({ drills }) => drills.passed,
  drilled: ({ drilled }) => drilled.share,
  rto: ({ rto }) => rto.share,
  restores_failed: ({ restores }) => (restores === null || restores.failed.of === 0 ? null : restores.failed.met),
  restores_p95: ({ restores }) => restores?.delivered.p95Ms ?? null,
  semantic_worst: ({ semantic }) => semantic?.worst?.behindMs ?? null,
  credit: ({ credit }) => credit,
} as const satisfies Record<string, (figures: CustomerFigures) => number | null>;
export type FigureKey = keyof typeof FIGURES;
export const FIGURE_KEYS = Object.keys(FIGURES) as readonly FigureKey[];

/** Less than this is the noise of adding up in another order, not a change of what happened. */
const NOISE = 1e-9;

export function compareFigures(before: CustomerFigures, after: CustomerFigures): FigureChange[] {
  const tiers = [...new Set([...before.tiers, ...after.tiers].map(({ tier }) => tier.key))];
  const ofTier = (figures: CustomerFigures, key: string): number | null =>
    figures.tiers.find(({ tier }) => tier.key === key)?.attainment ?? null;
  return [
    ...FIGURE_KEYS.map((figure) => ({ figure, before: FIGURES[figure](before), after: FIGURES[figure](after) })),
    ...tiers.map((key) => ({ figure: `tier/${key}`, before: ofTier(before, key), after: ofTier(after, key) })),
  ].filter((one) => !isSame(one.before, one.after));
}

function isSame(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b;
  return Math.abs(a - b) <= NOISE * Math.max(1, Math.abs(a), Math.abs(b));
}
