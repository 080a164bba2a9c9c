/** What can be asked of a device: each field with its kind, its words and what it means. The one list for parser, help and SQL. */
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES, RUN_STATES } from '../outcome.ts';

/**
 * text: a part of it, any case, or with `=` the whole. word: one of a closed list. tag: one of its own words. age: how long ago,
 * where never is infinitely long. span: a length that may be unknown, which then is neither more nor less than anything.
 */
export type FieldKind = 'text' | 'word' | 'tag' | 'age' | 'span' | 'number' | 'bytes' | 'version';

export interface Field {
  readonly kind: FieldKind;
  /** Closed list of a `word`. */
  readonly words?: readonly string[];
  /** Other names that people try. */
  readonly aliases?: readonly string[];
  /** May it be missing, so that `field:none` asks for something? */
  readonly canBeNone?: true;
  readonly meaning: string;
  /** One that is worth suggesting. */
  readonly example: string;
}

export const FLAGS = ['busy', 'overdue', 'alerting', 'clone'] as const;
export type Flag = (typeof FLAGS)[number];

export const FIELDS = {
  status: {
    kind: 'word',
    words: PROTECTION_STATES,
    aliases: ['state'],
    meaning: 'the light of the device',
    example: 'status:failed,missed',
  },
  last: {
    kind: 'word',
    words: OCCURRENCE_OUTCOMES,
    aliases: ['outcome'],
    canBeNone: true,
    meaning: 'what became of the newest expected backup',
    example: 'last:excused',
  },
  run: {
    kind: 'word',
    words: RUN_STATES,
    canBeNone: true,
    meaning: 'state of the newest backup',
    example: 'run:running',
  },
  is: { kind: 'word', words: FLAGS, meaning: 'what is true of it now', example: 'is:alerting' },
  customer: { kind: 'text', meaning: 'name of the customer', example: 'customer:"Hill Dental"' },
  name: { kind: 'text', aliases: ['device'], meaning: 'name of the device', example: 'name:srv' },
  host: { kind: 'text', aliases: ['hostname'], meaning: 'host name of the machine', example: 'host:srv' },
  os: { kind: 'text', meaning: 'operating system', example: 'os:linux' },
  policy: { kind: 'text', meaning: 'name of the policy', example: 'policy:servers' },
  tag: { kind: 'tag', aliases: ['tags'], canBeNone: true, meaning: 'a tag of the device', example: 'tag:server' },
  note: { kind: 'text', canBeNone: true, meaning: 'what staff have noted about the device', example: 'note:ups' },
  custody: {
    kind: 'word',
    words: ['escrowed', 'customer_held'],
    aliases: ['keys'],
    canBeNone: true,
    meaning: 'who holds the keys of the vault',
    example: 'custody:customer_held',
  },
  agent: { kind: 'version', aliases: ['version'], meaning: 'version of the agent', example: 'agent<1.4' },
  rpo: {
    kind: 'age',
    aliases: ['age', 'data'],
    canBeNone: true,
    meaning: 'age of the newest usable data',
    example: 'rpo>24h',
  },
  target: { kind: 'span', meaning: 'age that the policy allows', example: 'target<12h' },
  proof: {
    kind: 'age',
    aliases: ['proven'],
    canBeNone: true,
    meaning: 'time since a restore was last proven',
    example: 'proof>30d',
  },
  level: {
    kind: 'number',
    aliases: ['drill'],
    meaning: 'deepest proof of the newest usable backup, 0 to 5',
    example: 'level<3',
  },
  rto: { kind: 'span', canBeNone: true, meaning: 'duration of the last proven restore', example: 'rto>4h' },
  next: { kind: 'span', canBeNone: true, meaning: 'time until the next expected backup', example: 'next<1h' },
  ran: { kind: 'age', canBeNone: true, meaning: 'time since the newest backup began', example: 'ran>2d' },
  seen: { kind: 'age', canBeNone: true, meaning: 'time since the agent last reported', example: 'seen>2h' },
  enrolled: { kind: 'age', meaning: 'time since the device was added', example: 'enrolled<7d' },
  size: { kind: 'bytes', meaning: 'bytes that the newest usable backup protects', example: 'size>500GB' },
  added: { kind: 'bytes', meaning: 'bytes that the newest usable backup stored', example: 'added>10GB' },
  alerts: { kind: 'number', aliases: ['alert'], meaning: 'number of open alerts', example: 'alerts>0' },
  damage: { kind: 'number', meaning: 'number of damaged stored objects', example: 'damage>0' },
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[];

const BY_ANY_NAME = new Map<string, FieldName>(
  FIELD_NAMES.flatMap((name) => {
    const { aliases = [] }: Field = FIELDS[name];
    return [name, ...aliases].map((one) => [one, name] as const);
  }),
);

/** By its name or one of the others that people try. */
export function findField(name: string): FieldName | undefined {
  return BY_ANY_NAME.get(name.toLowerCase());
}

export function fieldOf(name: FieldName): Field {
  return FIELDS[name];
}

/** What the list can be sorted by. Ties go by customer, then name. */
export const SORT_NAMES = [
  'status',
  'customer',
  'name',
  'policy',
  'agent',
  'rpo',
  'target',
  'proof',
  'level',
  'rto',
  'next',
  'ran',
  'seen',
  'size',
  'added',
  'alerts',
] as const satisfies readonly FieldName[];
export type SortName = (typeof SORT_NAMES)[number];

export function isSortName(name: FieldName): name is SortName {
  return (SORT_NAMES as readonly FieldName[]).includes(name);
}
