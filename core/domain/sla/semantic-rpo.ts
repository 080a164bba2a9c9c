/**
 * Metric 11 of docs/metrics.md: how much older the newest entry inside a restored database is than the backup. A dump of a replica that
 * stands still, or of the wrong database, is young as a file and old inside.
 */
import type { Interval } from './intervals.ts';
import { quantile } from './quantile.ts';

/** A restore test that had a database open its dump. Times in milliseconds since the epoch. */
export interface DatabaseDrill {
  readonly id: string;
  readonly finishedMs: number;
  /** Capture of the restore point. */
  readonly captureMs: number;
  /** The newest time in the columns that the owner named; null: none is named, or none was found. */
  readonly newestMs: number | null;
}

export interface SemanticRpo {
  /** Tests that found such a time. */
  readonly of: number;
  /** Tests of databases that did not: nothing is known of them. */
  readonly unknown: number;
  readonly worst: { readonly drillId: string; readonly behindMs: number } | null;
  /** Nearest rank. */
  readonly medianMs: number | null;
}

/** Of the tests that ended within `span`. */
export function semanticRpo(drills: readonly DatabaseDrill[], span: Interval): SemanticRpo {
  const ended = drills.filter(({ finishedMs }) => finishedMs >= span.startMs && finishedMs < span.endMs);
  const known = ended.flatMap((drill) => {
    const behindMs = semanticRpoMs(drill);
    return behindMs === null ? [] : [{ drillId: drill.id, behindMs }];
  });
  return {
    of: known.length,
    unknown: ended.length - known.length,
    worst: known.reduce<SemanticRpo['worst']>((a, b) => (a === null || b.behindMs > a.behindMs ? b : a), null),
    medianMs: quantile(
      known.map(({ behindMs }) => behindMs),
      0.5,
    ),
  };
}

/** Of one test. An entry for the future, such as an appointment, is as new as the backup and not newer. */
export function semanticRpoMs({ captureMs, newestMs }: Pick<DatabaseDrill, 'captureMs' | 'newestMs'>): number | null {
  return newestMs === null ? null : Math.max(0, captureMs - newestMs);
}
