/**
 * The light of a device: one state and one sentence from plain facts. This is the only place that may say `proven`, and
 * `proven` alone is green. Every doubt goes the other way: what is not known is never green.
 */
import type {
  CheckState,
  OccurrenceOutcome,
  ProtectionState,
  RestorePointState,
  RunOutcome,
  RunState,
} from './outcome.ts';
import { isStuck } from './schedule.ts';

/** The level of a drill that proves a restore: files were restored and compared (metrics, 9). */
export const PROOF_LEVEL = 3;

export interface PointFacts {
  readonly captureMs: number;
  readonly state: RestorePointState;
  readonly outcome: 'ok' | 'partial';
  readonly isUsable: boolean;
  readonly levelPassed: number | null;
}

export interface ProtectionFacts {
  readonly nowMs: number;
  readonly rpoMs: number;
  /** Stored objects of the vault that are damaged or missing and were not healed. */
  readonly badObjects: number;
  /** The source's newest point by capture, whatever its state, expired ones left out. */
  readonly newestPoint: PointFacts | null;
  /** The newest one that is usable. */
  readonly newestUsable: PointFacts | null;
  /** The run that began last. */
  readonly lastRun: {
    readonly state: RunState;
    readonly outcome: RunOutcome | null;
    readonly lastProgressMs: number;
  } | null;
  /** The newest outcome of an expected backup. One that is due and open has none: until then the one before it stands. */
  readonly lastOutcome: OccurrenceOutcome | null;
  /** When the window of the newest due occurrence ends, while that one is open. */
  readonly openWindowEndMs: number | null;
  /** The newest drill of level 3 or more that reached a verdict, and when. Void ones prove nothing and accuse nobody. */
  readonly lastDrill: { readonly state: Extract<CheckState, 'passed' | 'failed'>; readonly endedMs: number } | null;
  /** When damage was found of which a part is lost for good, and a person accepted that; the newest. Null: nothing was lost. */
  readonly lossMs: number | null;
  /** How often the policy wants a drill. */
  readonly drillIntervalMs: number;
}

export interface Protection {
  readonly state: ProtectionState;
  /** One sentence for people: why the light is what it is. */
  readonly reason: string;
}

/** The state of one source, the worst that applies (order of urgency: outcome.ts). */
export function protectionState(facts: ProtectionFacts): Protection {
  return (
    damage(facts) ??
    failure(facts) ??
    timing(facts) ??
    completeness(facts) ??
    (facts.newestUsable === null
      ? { state: 'unknown', reason: 'There is no restore point yet.' }
      : proof(facts, facts.newestUsable))
  );
}

function damage({ badObjects, newestPoint }: ProtectionFacts): Protection | undefined {
  if (badObjects > 0)
    return {
      state: 'damaged',
      reason: `${badObjects === 1 ? 'One stored object is' : `${badObjects} stored objects are`} damaged or missing; the restore points that need ${badObjects === 1 ? 'it' : 'them'} are locked away.`,
    };
  if (newestPoint?.state === 'quarantined')
    return { state: 'damaged', reason: 'The newest restore point did not pass its checks and is locked away.' };
  return undefined;
}

function failure({ lastRun, lastDrill }: ProtectionFacts): Protection | undefined {
  if (lastDrill?.state === 'failed')
    return {
      state: 'failed',
      reason: 'The last restore test failed; the next restore point is tested as soon as it is verified.',
    };
  if (lastRun?.state === 'failed') return { state: 'failed', reason: 'The last backup failed.' };
  return undefined;
}

function timing({
  nowMs,
  rpoMs,
  lastRun,
  lastOutcome,
  openWindowEndMs,
  newestUsable,
}: ProtectionFacts): Protection | undefined {
  if (lastRun !== null && (lastRun.state === 'aborted' || isStuck(lastRun, nowMs)))
    return { state: 'stuck', reason: 'The last backup began and then fell silent.' };
  if (lastOutcome === 'stuck')
    return { state: 'stuck', reason: 'The last expected backup began and then fell silent.' };
  if (lastOutcome === 'missed') return { state: 'missed', reason: 'The last expected backup did not happen.' };
  if (lastOutcome === 'failed') return { state: 'failed', reason: 'The last expected backup failed.' };
  if (newestUsable === null) return undefined;
  if (nowMs - newestUsable.captureMs > rpoMs)
    return { state: 'late', reason: 'The newest restore point is older than the target allows.' };
  if (openWindowEndMs !== null && nowMs > openWindowEndMs)
    return { state: 'late', reason: 'The backup that was due has not arrived yet.' };
  return undefined;
}

function completeness({ newestPoint }: ProtectionFacts): Protection | undefined {
  if (newestPoint === null || newestPoint.isUsable) return undefined;
  return { state: 'partial', reason: 'The newest backup could not read more than the policy tolerates.' };
}

/**
 * Green: the newest point itself was restored and compared, or one before it was within the policy's interval and the newest
 * is stored intact (level 1). A drill takes the first point that comes once the interval is over, so a proof may be
 * older than the interval by as long as that point may take: the RPO. What was restored before something was lost says nothing
 * of what is left: only a point that was tested itself, or a test since then, is a proof.
 */
function proof({ nowMs, rpoMs, lastDrill, lossMs, drillIntervalMs }: ProtectionFacts, point: PointFacts): Protection {
  const isSound = point.state === 'sealed' && point.isUsable;
  if (!isSound) return { state: 'unknown', reason: 'Nothing is known for certain about the newest restore point.' };
  const level = point.levelPassed ?? 0;
  const unread = point.outcome === 'partial' ? ' A few items could not be read, within what the policy tolerates.' : '';
  if (level >= PROOF_LEVEL)
    return { state: 'proven', reason: `The newest restore point was restored and compared.${unread}` };
  const isBeforeLoss = lossMs !== null && lastDrill !== null && lastDrill.endedMs <= lossMs;
  const proofAgeMs = lastDrill?.state === 'passed' && !isBeforeLoss ? nowMs - lastDrill.endedMs : Infinity;
  if (level < 1)
    return { state: 'protected', reason: 'The newest restore point is stored; its check is still to come.' };
  if (proofAgeMs <= drillIntervalMs + rpoMs)
    return {
      state: 'proven',
      reason: `A restore was tested within the interval of the policy, and the newest restore point is stored intact.${unread}`,
    };
  if (isBeforeLoss)
    return {
      state: 'protected',
      reason:
        'Part of older backups was lost; the newest restore point is stored intact, and no restore was tested since.',
    };
  return {
    state: 'protected',
    reason:
      proofAgeMs === Infinity
        ? 'The newest restore point is stored intact; no restore was tested yet.'
        : 'The newest restore point is stored intact; the last restore test is older than the policy allows.',
  };
}
