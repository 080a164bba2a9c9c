/** Is this device meant? The same answer as the SQL of server/fleet/compile-filter.ts, by a property test there. */
import type { OccurrenceOutcome, ProtectionState, RunState } from '../outcome.ts';
import { type FieldName, fieldOf, type Flag } from './fields.ts';
import { type Comparison, type FilterNode, versionNumbers } from './filter.ts';
import { matchesOwn, type OwnValues } from './own-fields.ts';

/** What a filter can ask about. Times are milliseconds since the epoch; null: it never happened, or is not known. */
export interface FleetRecord {
  readonly name: string;
  readonly host: string;
  readonly customer: string;
  readonly policy: string;
  readonly os: string;
  readonly agent: string;
  readonly tags: readonly string[];
  readonly custody: string | null;
  /** Of the provider's staff; null: none. */
  readonly note: string | null;
  readonly own: OwnValues;
  readonly status: ProtectionState;
  readonly last: OccurrenceOutcome | null;
  readonly run: RunState | null;
  readonly flags: readonly Flag[];
  readonly dataAtMs: number | null;
  readonly proofAtMs: number | null;
  readonly ranAtMs: number | null;
  readonly seenAtMs: number | null;
  readonly enrolledAtMs: number;
  readonly nextAtMs: number | null;
  readonly targetMs: number;
  readonly rtoMs: number | null;
  readonly level: number | null;
  readonly sizeBytes: number | null;
  readonly addedBytes: number | null;
  readonly alerts: number;
  readonly damage: number;
}

export function matchFilter(where: FilterNode | null, record: FleetRecord, nowMs: number): boolean {
  if (where === null) return true;
  switch (where.kind) {
    case 'and':
      return where.parts.every((part) => matchFilter(part, record, nowMs));
    case 'or':
      return where.parts.some((part) => matchFilter(part, record, nowMs));
    case 'not':
      return !matchFilter(where.part, record, nowMs);
    case 'text':
      return [record.name, record.host, record.customer].some((name) => name.toLowerCase().includes(where.text));
    case 'none':
      return valueOf(where.field, record, nowMs) === null;
    case 'texts':
      return matchTexts(where.field, where.comparison, where.texts, record);
    case 'own':
      return matchesOwn(where, record.own);
    case 'amount':
      return matchAmount(where.field, where.comparison, where.amount, record, nowMs);
    case 'version':
      return compares(order(versionNumbers(record.agent), where.numbers), where.comparison);
  }
}

function matchTexts(
  field: FieldName,
  comparison: 'is' | '=' | '!=',
  texts: readonly string[],
  record: FleetRecord,
): boolean {
  const own = textsOf(field, record).map((text) => text.toLowerCase());
  const isPart = fieldOf(field).kind === 'text' && comparison === 'is';
  const isAny = texts.some((text) => own.some((one) => (isPart ? one.includes(text) : one === text)));
  return comparison === '!=' ? !isAny : isAny;
}

function matchAmount(
  field: FieldName,
  comparison: Exclude<Comparison, 'is'>,
  amount: number,
  record: FleetRecord,
  nowMs: number,
): boolean {
  const { kind } = fieldOf(field);
  const value = valueOf(field, record, nowMs);
  if (value !== null) return compares(value - amount, comparison);
  if (kind === 'span') return false;
  return compares(kind === 'age' ? 1 : 0 - amount, comparison);
}

function compares(difference: number, comparison: Exclude<Comparison, 'is'>): boolean {
  switch (comparison) {
    case '=':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

/** Number by number; the shorter of two that begin alike comes first. */
function order(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    if (a[at] === undefined) return -1;
    if (b[at] === undefined) return 1;
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return 0;
}

function textsOf(field: FieldName, record: FleetRecord): readonly string[] {
  switch (field) {
    case 'tag':
      return record.tags;
    case 'is':
      return record.flags;
    case 'status':
    case 'customer':
    case 'name':
    case 'host':
    case 'os':
    case 'policy':
      return [record[field]];
    case 'last':
    case 'run':
    case 'custody':
    case 'note':
      return record[field] === null ? [] : [record[field]];
    default:
      return [];
  }
}

/** Lengths in milliseconds, sizes in bytes, numbers; null where there is nothing. */
function valueOf(field: FieldName, record: FleetRecord, nowMs: number): number | null {
  const since = (atMs: number | null): number | null => (atMs === null ? null : nowMs - atMs);
  switch (field) {
    case 'rpo':
      return since(record.dataAtMs);
    case 'proof':
      return since(record.proofAtMs);
    case 'ran':
      return since(record.ranAtMs);
    case 'seen':
      return since(record.seenAtMs);
    case 'enrolled':
      return since(record.enrolledAtMs);
    case 'next':
      return record.nextAtMs === null ? null : record.nextAtMs - nowMs;
    case 'target':
      return record.targetMs;
    case 'rto':
      return record.rtoMs;
    case 'level':
      return record.level;
    case 'size':
      return record.sizeBytes;
    case 'added':
      return record.addedBytes;
    case 'alerts':
      return record.alerts;
    case 'damage':
      return record.damage;
    default:
      return textsOf(field, record).length === 0 ? null : 0;
  }
}
