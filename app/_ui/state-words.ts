import type { DatabaseState } from '../../core/domain/sla/data-coverage.ts';
import type { RestoreState } from '../../core/domain/sla/restore-service.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import type { CoverageState } from '../../core/domain/drill-coverage.ts';
import {
  type CheckState,
  OUTCOME_NAMES,
  type OccurrenceOutcome,
  type ProtectionState,
  type RestorePointState,
} from '../../core/domain/outcome.ts';

/**
 * How each state is said and shown. Tones: `good` is kept for proof alone, `risk` for data at risk; everything else is calm,
 * a warning, or mute. Colour is never alone: each state has its own shape and word.
 */
export type Tone = 'good' | 'calm' | 'warn' | 'risk' | 'mute';

export type Shape =
  | 'shield-filled'
  | 'shield'
  | 'check'
  | 'clock'
  | 'half'
  | 'cross'
  | 'missed'
  | 'stuck'
  | 'damage'
  | 'excused'
  | 'unknown'
  | 'running'
  | 'queued';

export interface StateWord {
  readonly word: string;
  readonly tone: Tone;
  readonly shape: Shape;
  /** One sentence that explains the word, for the tooltip. */
  readonly meaning: string;
}

export const PROTECTION_WORDS: Readonly<Record<ProtectionState, StateWord>> = {
  proven: {
    word: 'Proven',
    tone: 'good',
    shape: 'shield-filled',
    meaning:
      'A restore was tested within the time that the policy sets, every compared file matched, and the newest backup is intact.',
  },
  protected: {
    word: 'Not proven',
    tone: 'calm',
    shape: 'shield',
    meaning:
      'There is a sealed backup inside the target, but no restore drill of the right age proves that it can be restored.',
  },
  partial: {
    word: 'Partial',
    tone: 'warn',
    shape: 'half',
    meaning: 'The newest backup left more files unread than the policy accepts.',
  },
  late: {
    word: 'Late',
    tone: 'warn',
    shape: 'clock',
    meaning: 'The newest backup is older than the target allows, or came after its window.',
  },
  missed: {
    word: 'Missed',
    tone: 'risk',
    shape: 'missed',
    meaning: 'A backup was expected and did not happen.',
  },
  stuck: {
    word: 'Stuck',
    tone: 'warn',
    shape: 'stuck',
    meaning: 'A backup started and then reported nothing for too long.',
  },
  failed: {
    word: 'Failed',
    tone: 'risk',
    shape: 'cross',
    meaning: 'The last backup or restore drill failed.',
  },
  damaged: {
    word: 'Damaged',
    tone: 'risk',
    shape: 'damage',
    meaning: 'Stored bytes are missing or do not match their name. The affected restore points are quarantined.',
  },
  unknown: {
    word: 'Unknown',
    tone: 'mute',
    shape: 'unknown',
    meaning: 'Nothing is known yet: no backup has been sealed.',
  },
};

/** A run as one word: its state, and once it is sealed how complete it was. */
export type RunWord = 'running' | 'checking' | 'ok' | 'partial' | 'failed' | 'aborted';

export const RUN_WORDS: Readonly<Record<RunWord, StateWord>> = {
  running: { word: 'Running', tone: 'calm', shape: 'running', meaning: 'The agent is reading and uploading.' },
  checking: {
    word: 'Sealing',
    tone: 'calm',
    shape: 'running',
    meaning: 'Everything arrived; the server checks each object before the backup counts.',
  },
  ok: { word: 'Sealed', tone: 'calm', shape: 'check', meaning: 'Every file was read and every object was checked.' },
  partial: {
    word: 'Partial',
    tone: 'warn',
    shape: 'half',
    meaning: 'Sealed, but some files could not be read. They are listed in the run.',
  },
  failed: { word: 'Failed', tone: 'risk', shape: 'cross', meaning: 'This run made no restore point.' },
  aborted: { word: 'Stopped', tone: 'warn', shape: 'stuck', meaning: 'This run ended before it was complete.' },
};

export function runWord(state: string, outcome: string | null): RunWord {
  if (state === 'running') return 'running';
  if (state === 'committed') return 'checking';
  if (state === 'sealed') return outcome === 'ok' ? 'ok' : 'partial';
  return state === 'aborted' ? 'aborted' : 'failed';
}

export const DRILL_WORDS: Readonly<Record<CheckState, StateWord>> = {
  queued: { word: 'Queued', tone: 'calm', shape: 'queued', meaning: 'Waiting for a worker.' },
  running: { word: 'Running', tone: 'calm', shape: 'running', meaning: 'Files are being restored and compared.' },
  passed: { word: 'Passed', tone: 'good', shape: 'shield-filled', meaning: 'Every restored file matched its witness.' },
  failed: {
    word: 'Failed',
    tone: 'risk',
    shape: 'cross',
    meaning: 'At least one file could not be restored as it was.',
  },
  void: {
    word: 'Void',
    tone: 'mute',
    shape: 'excused',
    meaning: 'The infrastructure, not the data, stopped it. It counts neither as passed nor as failed.',
  },
};

/** Is what lies on a machine in its backups? */
export const HELD_WORDS: Readonly<Record<DatabaseState | 'selected' | 'unselected' | 'unmeasured', StateWord>> = {
  protected: { word: 'Backed up', tone: 'calm', shape: 'check', meaning: 'Its dumps are in the newest restore point.' },
  configured: {
    word: 'No dump yet',
    tone: 'warn',
    shape: 'clock',
    meaning: 'The policy names it, and the newest usable restore point holds no dump of it.',
  },
  unprotected: {
    word: 'Not backed up',
    tone: 'warn',
    shape: 'missed',
    meaning: 'No source of the policy is for it. Copied files of a running database do not restore.',
  },
  excluded: { word: 'Left out', tone: 'mute', shape: 'excused', meaning: 'Somebody decided that it need not be.' },
  selected: { word: 'Selected', tone: 'calm', shape: 'check', meaning: 'The policy selects folders of it.' },
  unselected: {
    word: 'Not selected',
    tone: 'warn',
    shape: 'missed',
    meaning: 'The policy selects nothing of it.',
  },
  unmeasured: {
    word: 'Not measured',
    tone: 'mute',
    shape: 'unknown',
    meaning: 'The machine did not tell what it holds, or not for a week.',
  },
};

/** What came of a restore that somebody asked for. */
export const RESTORE_WORDS: Readonly<Record<RestoreState, StateWord>> = {
  open: { word: 'Under way', tone: 'calm', shape: 'running', meaning: 'It has not ended yet.' },
  delivered: { word: 'Delivered', tone: 'calm', shape: 'check', meaning: 'All that was asked for is there.' },
  failed: { word: 'Failed', tone: 'warn', shape: 'cross', meaning: 'Not all that was asked for is there.' },
  abandoned: {
    word: 'Lost',
    tone: 'warn',
    shape: 'missed',
    meaning: 'Nothing was heard of it until its time was over: it counts as failed.',
  },
  cancelled: {
    word: 'Stopped',
    tone: 'mute',
    shape: 'excused',
    meaning: 'Whoever asked for it stopped it. It counts neither as delivered nor as failed.',
  },
  unknown: {
    word: 'Not known',
    tone: 'mute',
    shape: 'unknown',
    meaning: 'The agent of the machine is too old to tell how a restore ends. It counts for nothing.',
  },
};

/** How deep a restore was tested, against what is asked for. Green is a proof that is young enough, and nothing else. */
export const COVERAGE_WORDS: Readonly<Record<CoverageState, StateWord>> = {
  failed: {
    word: 'Failed',
    tone: 'risk',
    shape: 'cross',
    meaning: 'The last test of this depth failed, and none has passed since.',
  },
  never: {
    word: 'Never reached',
    tone: 'warn',
    shape: 'missed',
    meaning: 'The policy asks for tests of this depth, and none has passed yet.',
  },
  overdue: {
    word: 'Overdue',
    tone: 'warn',
    shape: 'clock',
    meaning: 'The newest test of this depth is older than the policy allows.',
  },
  proven: {
    word: 'Proven',
    tone: 'good',
    shape: 'shield-filled',
    meaning: 'A test of this depth passed within the time that the policy sets.',
  },
  extra: {
    word: 'Reached',
    tone: 'calm',
    shape: 'check',
    meaning: 'A test of this depth has passed, though no policy asks for it.',
  },
  unasked: {
    word: 'Not asked for',
    tone: 'mute',
    shape: 'excused',
    meaning: 'No policy asks for tests of this depth.',
  },
};

/** One look of a drill. */
export const LOOK_WORDS: Readonly<Record<DrillCheck['state'], StateWord>> = {
  passed: { word: 'As expected', tone: 'good', shape: 'check', meaning: 'What was looked at is as it should be.' },
  failed: { word: 'Failed', tone: 'risk', shape: 'cross', meaning: 'What was looked at is not as it should be.' },
  warning: { word: 'Look at it', tone: 'warn', shape: 'half', meaning: 'No failure, but a person should look at it.' },
  skipped: {
    word: 'Not looked at',
    tone: 'mute',
    shape: 'excused',
    meaning: 'It proves nothing; the reason is given.',
  },
};

export const VERIFICATION_WORDS: Readonly<Record<CheckState, StateWord>> = {
  ...DRILL_WORDS,
  running: { word: 'Running', tone: 'calm', shape: 'running', meaning: 'Stored objects are being read and re-hashed.' },
  passed: {
    word: 'Passed',
    tone: 'calm',
    shape: 'check',
    meaning: 'Every stored byte was read again and matches its name.',
  },
  failed: { word: 'Failed', tone: 'risk', shape: 'damage', meaning: 'Stored bytes are missing or damaged.' },
};

const POINT_WORDS: Readonly<Record<RestorePointState, StateWord>> = {
  sealed: { word: 'Sealed', tone: 'calm', shape: 'shield', meaning: 'Complete and checked when it was stored.' },
  quarantined: {
    word: 'Quarantined',
    tone: 'risk',
    shape: 'damage',
    meaning: 'Objects that it needs are damaged or missing. It is kept, but nothing is restored from it.',
  },
  expired: { word: 'Expired', tone: 'mute', shape: 'excused', meaning: 'Retention has let it go.' },
};

/** A sealed point that passed a drill: the one point that may be green. */
const PROVEN_POINT: StateWord = {
  word: 'Proven',
  tone: 'good',
  shape: 'shield-filled',
  meaning: 'A sample of this restore point was restored and compared, and every file matched.',
};

/** The word of one restore point. Only a sealed one that passed level 3 is called proven. */
export function pointWord(state: RestorePointState, level: number | null): StateWord {
  return state === 'sealed' && level !== null && level >= PROOF_LEVEL ? PROVEN_POINT : POINT_WORDS[state];
}

export const OCCURRENCE_WORDS: Readonly<Record<OccurrenceOutcome, StateWord>> = {
  ok: { word: OUTCOME_NAMES.ok, tone: 'calm', shape: 'check', meaning: '' },
  late: { word: OUTCOME_NAMES.late, tone: 'warn', shape: 'clock', meaning: '' },
  partial: { word: OUTCOME_NAMES.partial, tone: 'warn', shape: 'half', meaning: '' },
  failed: { word: OUTCOME_NAMES.failed, tone: 'risk', shape: 'cross', meaning: '' },
  missed: { word: OUTCOME_NAMES.missed, tone: 'risk', shape: 'missed', meaning: '' },
  excused: { word: OUTCOME_NAMES.excused, tone: 'mute', shape: 'excused', meaning: '' },
  stuck: { word: OUTCOME_NAMES.stuck, tone: 'warn', shape: 'stuck', meaning: '' },
};

/** What a level of verification means, in words (metrics.md 9). */
export const LEVEL_WORDS: Readonly<Record<number, string>> = {
  1: 'stored bytes re-hashed',
  2: 'decrypted and hashed',
  3: 'files restored and compared',
  4: 'opened by its application',
  5: 'the whole system tested',
};
