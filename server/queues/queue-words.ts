import type { JobKind, QueueName } from '../jobs/catalog.ts';

interface QueueWords {
  readonly name: string;
  readonly about: string;
  readonly stillTitle: string;
  /** What it means for the data when it stands still. */
  readonly standstill: string;
}

/** The queues as people read them. */
export const QUEUE_WORDS: Readonly<Record<QueueName, QueueWords>> = {
  seal: {
    name: 'Sealing',
    stillTitle: 'Sealing stands still',
    about: 'Backups that have arrived become restore points',
    standstill: 'Backups still arrive, but they do not become restore points.',
  },
  verify: {
    name: 'Integrity checks',
    stillTitle: 'Integrity checks stand still',
    about: 'Stored bytes are read again and compared',
    standstill: 'Stored bytes are not checked, so the proof of what is stored grows old.',
  },
  drill: {
    name: 'Restore drills',
    stillTitle: 'Restore drills stand still',
    about: 'Restores are tested in a sandbox',
    standstill: 'No restore is tested, so green lights grow old.',
  },
  rollup: {
    name: 'Monthly figures',
    stillTitle: 'Monthly figures stand still',
    about: 'Service levels are added up',
    standstill: 'The figures of the month stay as they are.',
  },
  report: {
    name: 'Reports',
    stillTitle: 'Reports stand still',
    about: 'The paper of closed months is drawn',
    standstill: 'Reports of closed months are not drawn. Figures and data are not affected.',
  },
  notify: {
    name: 'Messages',
    stillTitle: 'Messages stand still',
    about: 'Alerts and digests by mail, chat, webhook and ticket',
    standstill: 'No message leaves the service: alerts are seen in the portal alone.',
  },
  interactive: {
    name: 'Requests from the portal',
    stillTitle: 'Requests from the portal stand still',
    about: 'Folders and downloads that somebody waits for',
    standstill: 'Folders are not listed and downloads are not prepared.',
  },
  sweep: {
    name: 'Regular sweeps',
    stillTitle: 'Regular sweeps stand still',
    about: 'Missed backups are noticed, lost work is ordered again',
    standstill: 'Missed backups are not noticed, and no alert is opened for a device.',
  },
};

export const JOB_WORDS: Readonly<Record<JobKind, string>> = {
  seal: 'Seal a backup',
  verify: 'Check a restore point',
  drill: 'Test a restore',
  rollup: 'Add up a month',
  report: 'Draw a report',
  'list-folder': 'List a folder',
  'prepare-download': 'Prepare a download',
  'schedule-sweep': 'Look after schedules and alerts',
  'evidence-sweep': 'Anchor the evidence of the day, and look whether earlier anchors still stand',
  deliver: 'Send what waits for a channel',
  'notify-sweep': 'Look what has to be told',
  housekeeping: 'Tidy up',
};
