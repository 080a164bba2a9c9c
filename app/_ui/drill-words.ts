/** What the depths and kinds of a restore test are called, in the words of people who do not run backups. */
import type { RtoPart } from '../../core/domain/rto-parts.ts';
import type { DrillLine } from '../../server/drills/queries.ts';

export const LEVEL_SENTENCES: Readonly<Record<number, { readonly name: string; readonly means: string }>> = {
  3: {
    name: 'Files compared',
    means: 'Files were restored into an empty folder and compared, byte by byte, with what was on the machine.',
  },
  4: {
    name: 'Opened',
    means: 'What was restored was opened: databases were loaded and asked for their contents, documents were read.',
  },
  5: {
    name: 'In use',
    means: 'The whole system was started from the backup, or put to work by a test of your own.',
  },
};

export const SCOPE_WORDS: Readonly<Record<DrillLine['scope'], string>> = {
  sample: 'a sample',
  full: 'everything',
};

export const POINT_CHOICE_WORDS: Readonly<Record<DrillLine['pointChoice'], string>> = {
  latest: 'the newest restore point',
  random: 'a restore point drawn at random',
  oldest: 'the oldest restore point',
  chosen: 'a restore point that a person chose',
};

export const RUNNER_WORDS: Readonly<Record<DrillLine['runner'], string>> = {
  service: 'by the service, in a sandbox',
  agent: 'on the customer’s own machine',
  kit: 'with the recovery kit and stock restic alone',
};

export const RTO_PART_WORDS: Readonly<Record<RtoPart, string>> = {
  queue: 'Waiting for a worker',
  locate: 'Finding the files',
  provision: 'Making an empty place',
  firstByte: 'First byte',
  transfer: 'Restoring',
  rebuild: 'Loading the dump',
  start: 'Starting the server or the system',
  checks: 'Looking at what came back',
};
