/**
 * A rule: what it looks for, with which limits, at which devices, and how urgent its alerts are. Each kind has a built-in rule
 * that is on; a provider changes it, switches it off, or adds rules of its own beside it.
 */
import { z } from 'zod';
import { canonicalJson } from '../../base/canonical-json.ts';
import { FilterError } from '../fleet-filter/filter-error.ts';
import type { FilterNode } from '../fleet-filter/filter.ts';
import { ALERT_KINDS, type AlertKind, KIND_WORDS, SEVERITIES, type Severity } from './kinds.ts';
import { type DescribedDevice, matchesScope, parseRuleScope } from './rule-scope.ts';

export const DEVICE_CLASSES = ['server', 'workstation'] as const;
export type DeviceClass = (typeof DEVICE_CLASSES)[number];

const hours = z
  .int()
  .min(1)
  .max(24 * 92);
const none = z.strictObject({});

/** The limits of each kind, with what holds where a rule names none. features.md, 51 and 52: a server a day, a workstation three. */
const PARAMETERS = {
  no_point: z.strictObject({ serverHours: hours.default(24), workstationHours: hours.default(72) }),
  failing: z.strictObject({ runs: z.int().min(2).max(10).default(3) }),
  missed: z.strictObject({ backups: z.int().min(1).max(10).default(1) }),
  silent: z.strictObject({ hours: hours.min(2).default(2) }),
  drill_overdue: z.strictObject({
    graceHours: z
      .int()
      .min(0)
      .max(24 * 31)
      .default(0),
  }),
  upkeep: z.strictObject({ days: z.int().min(1).max(92).default(7) }),
  retention: z.strictObject({ overdueDays: z.int().min(1).max(92).default(7) }),
  quota: z.strictObject({
    usedPercent: z.int().min(1).max(100).default(90),
    daysLeft: z.int().min(1).max(365).default(14),
  }),
  growth: z.strictObject({
    /** One signal this far out, in robust standard deviations … */
    alone: z.number().min(2).max(100).default(8),
    /** … or two this far (metrics, 19). */
    together: z.number().min(2).max(100).default(4),
  }),
  run_failed: none,
  stuck: none,
  damage: none,
  ransomware: none,
  clone: none,
  evidence: none,
  drill_failed: none,
  suspicious: none,
  weakened: none,
  burn: none,
} as const satisfies Record<AlertKind, z.ZodType>;

export type RuleParameters<K extends AlertKind> = z.infer<(typeof PARAMETERS)[K]>;

/** Kinds of which a provider may have rules of its own beside the built-in one: those that have a limit to choose. */
export const OWN_RULE_KINDS = [
  'no_point',
  'failing',
  'missed',
  'silent',
  'drill_overdue',
  'upkeep',
  'retention',
  'quota',
  'growth',
] as const satisfies readonly AlertKind[];

/** Each list that is named must hold the device, and the filter must describe it; an empty one holds all. */
export const ruleFilter = z.strictObject({
  /** In the language of the fleet list: "tag:gold -name:test". */
  devices: z
    .string()
    .trim()
    .min(1)
    .superRefine((text, context) => {
      try {
        parseRuleScope(text);
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
      }
    })
    .optional(),
  customerIds: z.array(z.uuid()).max(1000).optional(),
  policyIds: z.array(z.uuid()).max(1000).optional(),
  classes: z.array(z.enum(DEVICE_CLASSES)).min(1).max(2).optional(),
});
export type RuleFilter = z.infer<typeof ruleFilter>;

export interface RuleSubject {
  readonly customerId: string;
  /** Null where no single policy is concerned. */
  readonly policyId: string | null;
  readonly deviceClass: DeviceClass | null;
  readonly device: DescribedDevice | null;
}

/** A rule as it is stored; `id` null: a built-in one, which is named by its kind. */
export interface Rule<K extends AlertKind = AlertKind> {
  readonly id: string | null;
  readonly kind: K;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly severity: Severity;
  readonly parameters: RuleParameters<K>;
  readonly filter: RuleFilter;
}

export const ruleWish = z
  .strictObject({
    kind: z.enum(ALERT_KINDS),
    name: z.string().trim().min(1).max(120),
    isEnabled: z.boolean(),
    severity: z.enum(SEVERITIES),
    parameters: z.record(z.string(), z.unknown()),
    filter: ruleFilter,
  })
  .superRefine((wish, context) => {
    const parsed = PARAMETERS[wish.kind].safeParse(wish.parameters);
    if (!parsed.success)
      context.addIssue({ code: 'custom', message: 'A limit of the rule is missing, or out of its range.' });
  });
export type RuleWish = z.infer<typeof ruleWish>;

/** @throws ZodError for limits that are none of this kind. */
export function parseParameters<K extends AlertKind>(kind: K, parameters: unknown): RuleParameters<K> {
  return PARAMETERS[kind].parse(parameters) as RuleParameters<K>;
}

export function builtInRule<K extends AlertKind>(kind: K): Rule<K> {
  return {
    id: null,
    kind,
    name: KIND_WORDS[kind].name,
    isEnabled: true,
    severity: KIND_WORDS[kind].severity,
    parameters: parseParameters(kind, {}),
    filter: {},
  };
}

/**
 * What a rule does, apart from its name and its urgency, as one text: two rules with the same one call at the same instants.
 * A back-test is of a definition.
 */
export function ruleDefinition({ kind, parameters, filter }: Pick<RuleWish, 'kind' | 'parameters' | 'filter'>): string {
  return canonicalJson({ kind, parameters: parseParameters(kind, parameters), filter });
}

export function isRuleOf<K extends AlertKind>(rule: Rule, kind: K): rule is Rule<K> {
  return rule.kind === kind;
}

/** Does the rule look at this device (or, for what concerns a customer or a policy, at that)? */
export function matchesFilter(filter: RuleFilter, subject: RuleSubject): boolean {
  const { customerIds, policyIds, classes } = filter;
  if (customerIds !== undefined && !customerIds.includes(subject.customerId)) return false;
  if (policyIds !== undefined && (subject.policyId === null || !policyIds.includes(subject.policyId))) return false;
  if (classes !== undefined && (subject.deviceClass === null || !classes.includes(subject.deviceClass))) return false;
  return filter.devices === undefined || (subject.device !== null && matchesScope(scopeOf(filter), subject.device));
}

/** Read once a rule and not once a device: a sweep asks a hundred thousand times. */
function scopeOf(filter: RuleFilter): FilterNode | null {
  const known = SCOPES.get(filter);
  if (known !== undefined) return known.where;
  const where = parseRuleScope(filter.devices ?? '');
  SCOPES.set(filter, { where });
  return where;
}
const SCOPES = new WeakMap<RuleFilter, { readonly where: FilterNode | null }>();

/**
 * The class of a device that nobody has classed: one that runs Linux, or whose policy has databases, is taken for a server.
 * Wrong in this direction it alerts too early, in the other too late.
 */
export function guessClass(os: string, hasDatabases: boolean): DeviceClass {
  return hasDatabases || os === 'linux' || /server/i.test(os) ? 'server' : 'workstation';
}
