/** What may need a person, how urgent it is, and whether the sweep or the finder decides. A closed list; the database holds it too. */
export const ALERT_KINDS = [
  'damage',
  'ransomware',
  'clone',
  'evidence',
  'drill_failed',
  'no_point',
  'failing',
  'run_failed',
  'stuck',
  'missed',
  'silent',
  'suspicious',
  'drill_overdue',
  'burn',
  'weakened',
  'quota',
  'growth',
  'upkeep',
  'retention',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Worst first. `risk`: data is lost or would be lost now. `warn`: it will be if nobody looks. `info`: somebody should know. */
export const SEVERITIES = ['risk', 'warn', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export function worstSeverity(severities: readonly Severity[]): Severity {
  return SEVERITIES.find((one) => severities.includes(one)) ?? 'info';
}

/** Follow from the present state of a device alone: the sweep opens and closes them. The others belong to what was found. */
export const STATE_KINDS = [
  'no_point',
  'failing',
  'run_failed',
  'stuck',
  'missed',
  'silent',
  'drill_overdue',
  'upkeep',
  'retention',
] as const satisfies readonly AlertKind[];
export type StateKind = (typeof STATE_KINDS)[number];

export function isStateKind(kind: AlertKind): kind is StateKind {
  return (STATE_KINDS as readonly string[]).includes(kind);
}

/**
 * Found once, and following from no state that rows keep: of their past the findings are known, those that a rule told of and
 * those that none did (server/alerts/unheard-findings.ts).
 */
export const FOUND_KINDS = [
  'damage',
  'clone',
  'evidence',
  'drill_failed',
  'weakened',
  'burn',
] as const satisfies readonly AlertKind[];

export function isFoundKind(kind: AlertKind): boolean {
  return (FOUND_KINDS as readonly AlertKind[]).includes(kind);
}

/** Their past begins when the service began to keep it: calls of machines, and what no rule told of. The rest follows from rows. */
export function isPastKeptApart(kind: AlertKind): boolean {
  return kind === 'silent' || isFoundKind(kind);
}

/** No state says that these are over: a person says so. */
export const ACCEPTED_BY_PEOPLE: readonly AlertKind[] = ['weakened', 'ransomware'];

/** What an excuse makes uncounted: backups that were expected and did not come. */
export const EXCUSABLE: readonly AlertKind[] = ['missed', 'stuck', 'run_failed', 'failing'];

/** Say that data grows old, or that what there was is gone: who has one of these knows of a breach. A full storage says nothing of it. */
export const TELLS_OF_AGE: readonly AlertKind[] = [
  'no_point',
  'failing',
  'run_failed',
  'stuck',
  'missed',
  'silent',
  'damage',
];

export interface KindWords {
  /** A few words, as the title of its rule. */
  readonly name: string;
  /** What the rule looks at, in a sentence. */
  readonly meaning: string;
  readonly severity: Severity;
}

export const KIND_WORDS: Readonly<Record<AlertKind, KindWords>> = {
  damage: {
    name: 'Stored data is damaged',
    meaning: 'A stored object is missing, or its bytes are no longer those that were stored.',
    severity: 'risk',
  },
  ransomware: {
    name: 'Files may have been encrypted',
    meaning: 'A backup brought far more new data than usual, and it no longer compresses, as encrypted files do.',
    severity: 'risk',
  },
  clone: {
    name: 'Two machines use one identity',
    meaning: 'A heartbeat with an old number arrived: a machine was cloned, or its disk was set back.',
    severity: 'risk',
  },
  evidence: {
    name: 'Evidence does not fit its anchor',
    meaning: 'The records of restore tests are not those that were anchored in the storage.',
    severity: 'risk',
  },
  drill_failed: {
    name: 'A restore test failed',
    meaning: 'What a drill restored was not what was backed up, or could not be opened.',
    severity: 'risk',
  },
  no_point: {
    name: 'No restore point for too long',
    meaning: 'The newest usable restore point is older than its class of device may go without one.',
    severity: 'risk',
  },
  failing: {
    name: 'Backups fail again and again',
    meaning: 'Several expected backups in a row failed.',
    severity: 'risk',
  },
  run_failed: {
    name: 'The last backup failed',
    meaning: 'The newest backup ended with an error, or was not accepted.',
    severity: 'warn',
  },
  stuck: {
    name: 'A backup fell silent',
    meaning: 'A backup began and then reported nothing for half an hour.',
    severity: 'warn',
  },
  missed: {
    name: 'An expected backup did not happen',
    meaning: 'No backup began before the window of an expected one closed.',
    severity: 'warn',
  },
  silent: {
    name: 'A machine is silent',
    meaning: 'A machine has not called for longer than its schedule allows.',
    severity: 'warn',
  },
  suspicious: {
    name: 'A backup holds far less than before',
    meaning: 'More than nine tenths of the files or of their contents are gone since earlier backups.',
    severity: 'risk',
  },
  drill_overdue: {
    name: 'A restore test is overdue',
    meaning: 'No test of the depth that the policy asks for has passed within its interval.',
    severity: 'warn',
  },
  burn: {
    name: 'What may go wrong this month is used up fast',
    meaning: 'Of the time that a contract lets data be too old in a month, 2 % went within an hour, or 5 % within six.',
    severity: 'warn',
  },
  weakened: {
    name: 'Protection was made weaker',
    meaning: 'A policy protects less, or less often, than before; or who holds the keys of a vault has changed.',
    severity: 'warn',
  },
  quota: {
    name: 'Storage is running out',
    meaning: 'A customer or a vault has used most of its quota, or will have within days.',
    severity: 'warn',
  },
  growth: {
    name: 'A backup grew in an unusual way',
    meaning:
      'How much a day changed, deleted or added, or what its new data is like, lies far from the last four weeks.',
    severity: 'info',
  },
  upkeep: {
    name: 'The upkeep of stored data stands still',
    meaning: 'A vault was not compared with its ledger for days: nobody knows whether its data is still there.',
    severity: 'warn',
  },
  retention: {
    name: 'Retention has stopped',
    meaning:
      'Restore points that the policy no longer keeps are still there days later, so that the storage grows. It looks at devices whose policy says what is kept; without that everything is meant to stay.',
    severity: 'warn',
  },
};
