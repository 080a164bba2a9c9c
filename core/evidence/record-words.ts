/** A record in a line, for people. */
import type { EvidenceRecord } from './record.ts';

export interface RecordWords {
  readonly sequence: number;
  readonly at: string;
  readonly what: string;
  readonly result: string;
  readonly tone: 'good' | 'bad' | 'quiet';
}

const VERDICTS = { passed: 'passed', failed: 'failed', void: 'proved nothing' } as const;
const PERFORMERS = {
  service: 'by the provider',
  agent: 'on the customer’s own machine',
  kit: 'with the recovery kit and stock restic alone',
} as const;

export function recordWords(record: EvidenceRecord): RecordWords {
  const { sequence, at } = record;
  switch (record.kind) {
    case 'drill': {
      const { systems, level, result, performer, scope } = record.body;
      const { verdict, filesMatched } = result;
      return {
        sequence,
        at,
        what: `Restore test of ${systems.device.name}, ${performer.kind === 'service' && !performer.isRobot ? 'ordered by a person, ' : ''}${PERFORMERS[performer.kind]}`,
        result:
          verdict === 'passed'
            ? `passed, level ${level.reached}: ${filesMatched} of ${scope.filesTested} files as the machine saw them`
            : `${VERDICTS[verdict]}${result.message === null ? '' : `: ${result.message}`}`,
        tone: verdict === 'passed' ? 'good' : verdict === 'failed' ? 'bad' : 'quiet',
      };
    }
    case 'drill_approved':
      return {
        sequence,
        at,
        what: `Accepted by ${record.body.by.name}`,
        result: record.body.words ?? '',
        tone: 'quiet',
      };
    case 'drill_remediated':
      return { sequence, at, what: `Remedy, told by ${record.body.by.name}`, result: record.body.words, tone: 'quiet' };
    case 'drill_voided':
      return { sequence, at, what: `Withdrawn by ${record.body.by.name}`, result: record.body.words, tone: 'bad' };
    case 'damage_found':
      return { sequence, at, what: `Damage found: ${record.body.device.name}`, result: record.body.words, tone: 'bad' };
    case 'damage_repaired':
      return {
        sequence,
        at,
        what: `Damage repaired: ${record.body.device.name}`,
        result: record.body.words,
        tone: 'good',
      };
    case 'damage_lost':
      return {
        sequence,
        at,
        what: `Damage that could not be repaired: ${record.body.device.name}`,
        result: record.body.words,
        tone: 'bad',
      };
    case 'loss_accepted': {
      const { by, device, files, restorePointCount, words } = record.body;
      const missing = files === null ? '' : `${files.count}${files.isComplete ? '' : ' or more'} files, `;
      return {
        sequence,
        at,
        what: `Loss accepted by ${by.name}: ${device.name}`,
        result: `${missing}${restorePointCount} restore points: ${words}`,
        tone: 'bad',
      };
    }
  }
}

/** What a check came to, in one sentence. */
export function verdictWords(check: { readonly isSound: boolean; readonly findings: readonly unknown[] }): string {
  if (check.isSound) return 'This evidence is sound: signed, complete in its chain, and unchanged.';
  const { length } = check.findings;
  return `This evidence is not sound: ${length === 1 ? 'one fault' : `${length} faults`}.`;
}
