/**
 * A filter as a condition on `f` of fleet-rows.ts. Every value is a parameter, and each condition is true or false, never
 * null, so that `not` means not. matchFilter of core/domain/fleet-filter answers alike, which a property test holds.
 */
import { type FieldName, fieldOf, type Flag } from '../../core/domain/fleet-filter/fields.ts';
import type { Comparison, FilterNode, FilterSort } from '../../core/domain/fleet-filter/filter.ts';
import { PROTECTION_STATES } from '../../core/domain/outcome.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { joinFragments, sqlFragment, type SqlFragment } from '../db/sql-fragment.ts';

const ALWAYS = sqlFragment`true`;

export function compileFilter(where: FilterNode | null, now: Date): SqlFragment {
  if (where === null) return ALWAYS;
  switch (where.kind) {
    case 'and':
      return sqlFragment`(${joinFragments(
        where.parts.map((part) => compileFilter(part, now)),
        ' AND ',
      )})`;
    case 'or':
      return sqlFragment`(${joinFragments(
        where.parts.map((part) => compileFilter(part, now)),
        ' OR ',
      )})`;
    case 'not':
      return sqlFragment`(NOT ${compileFilter(where.part, now)})`;
    case 'text':
      return sqlFragment`(strpos(lower(f.name), ${where.text}) > 0 OR strpos(lower(f.hostname), ${where.text}) > 0 OR strpos(lower(f.customer_name), ${where.text}) > 0)`;
    case 'none':
      return compileNone(where.field);
    case 'texts':
      return compileTexts(where.field, where.comparison, where.texts, now);
    case 'own':
      return compileOwn(where);
    case 'amount':
      return compileAmount(where.field, where.comparison, where.amount, now);
    case 'version':
      return compare(sqlFragment`f.agent_order`, where.comparison, sqlFragment`${[...where.numbers]}::int[]`);
  }
}

function compileNone(field: FieldName): SqlFragment {
  return field === 'tag' ? sqlFragment`(cardinality(f.tags) = 0)` : sqlFragment`(${columnOf(field)} IS NULL)`;
}

function compileTexts(
  field: FieldName,
  comparison: 'is' | '=' | '!=',
  texts: readonly string[],
  now: Date,
): SqlFragment {
  const any = anyText(field, comparison, texts, now);
  return comparison === '!=' ? sqlFragment`(NOT ${any})` : any;
}

function anyText(field: FieldName, comparison: string, texts: readonly string[], now: Date): SqlFragment {
  const list = [...texts];
  if (field === 'status')
    return sqlFragment`(f.status = ANY (${list.map((word) => (PROTECTION_STATES as readonly string[]).indexOf(word))}::int[]))`;
  if (field === 'tag') return sqlFragment`(f.tags && ${list}::text[])`;
  if (field === 'is')
    return sqlFragment`(${joinFragments(
      list.map((flag) => flagOf(flag as Flag, now)),
      ' OR ',
    )})`;
  const column = columnOf(field);
  if (fieldOf(field).kind === 'word') return sqlFragment`coalesce(${column} = ANY (${list}::text[]), false)`;
  // A note may be missing; a name never is.
  if (comparison !== 'is') return sqlFragment`coalesce(lower(${column}) = ANY (${list}::text[]), false)`;
  return sqlFragment`(${joinFragments(
    list.map((text) => sqlFragment`coalesce(strpos(lower(${column}), ${text}) > 0, false)`),
    ' OR ',
  )})`;
}

/** `f.own` is null for a device of which nothing is written; what it has there decides what is compared, as in matchesOwn. */
function compileOwn({ key, comparison, texts }: FilterNode & { readonly kind: 'own' }): SqlFragment {
  const text = sqlFragment`(f.own ->> ${key}::text)`;
  if (comparison === 'none') return sqlFragment`(${text} IS NULL)`;
  const list = [...texts];
  if (comparison === '!=') return sqlFragment`coalesce(lower(${text}) <> ALL (${list}::text[]), true)`;
  if (comparison === '=') return sqlFragment`coalesce(lower(${text}) = ANY (${list}::text[]), false)`;
  if (comparison === 'is')
    return sqlFragment`coalesce(${joinFragments(
      list.map((one) => sqlFragment`strpos(lower(${text}), ${one}) > 0`),
      ' OR ',
    )}, false)`;
  const wanted = texts[0]!;
  const value = sqlFragment`(f.own -> ${key}::text)`;
  // Days are compared as text: their order is that of the calendar.
  return /^\d{4}-/.test(wanted)
    ? sqlFragment`(CASE WHEN jsonb_typeof(${value}) = 'string' AND ${text} ~ '^\\d{4}-\\d\\d-\\d\\d$'
        THEN ${compare(sqlFragment`${text} COLLATE "C"`, comparison, sqlFragment`${wanted}::text`)} ELSE false END)`
    : sqlFragment`(CASE WHEN jsonb_typeof(${value}) = 'number'
        THEN ${compare(sqlFragment`${value}::numeric`, comparison, sqlFragment`${wanted}::text::numeric`)} ELSE false END)`;
}

function flagOf(flag: Flag, now: Date): SqlFragment {
  switch (flag) {
    case 'busy':
      return sqlFragment`(f.is_checking OR coalesce(f.run_state IN ('running', 'committed'), false))`;
    case 'overdue':
      return sqlFragment`coalesce(${now}::timestamptz - f.usable_capture_at > f.rpo, true)`;
    case 'alerting':
      return sqlFragment`(f.open_alerts > 0)`;
    case 'clone':
      return sqlFragment`(f.suspected_clone_at IS NOT NULL)`;
  }
}

function compileAmount(
  field: FieldName,
  comparison: Exclude<Comparison, 'is'>,
  amount: number,
  now: Date,
): SqlFragment {
  const column = columnOf(field);
  const span = sqlFragment`${amount}::float8 * interval '1 millisecond'`;
  const { kind } = fieldOf(field);
  if (kind === 'age') {
    // Never is infinitely long ago: more than any length, and not less.
    const never = comparison === '>' || comparison === '>=';
    return sqlFragment`coalesce(${compare(sqlFragment`${now}::timestamptz - ${column}`, comparison, span)}, ${never}::boolean)`;
  }
  if (field === 'next')
    return sqlFragment`coalesce(${compare(sqlFragment`${column} - ${now}::timestamptz`, comparison, span)}, false)`;
  if (field === 'target') return compare(column, comparison, span);
  if (kind === 'span')
    return sqlFragment`coalesce(${compare(column, comparison, sqlFragment`${amount}::bigint`)}, false)`;
  return compare(sqlFragment`coalesce(${column}, 0)`, comparison, sqlFragment`${amount}::bigint`);
}

function compare(left: SqlFragment, comparison: Exclude<Comparison, 'is'>, right: SqlFragment): SqlFragment {
  switch (comparison) {
    case '=':
      return sqlFragment`(${left} = ${right})`;
    case '!=':
      return sqlFragment`(${left} <> ${right})`;
    case '<':
      return sqlFragment`(${left} < ${right})`;
    case '<=':
      return sqlFragment`(${left} <= ${right})`;
    case '>':
      return sqlFragment`(${left} > ${right})`;
    case '>=':
      return sqlFragment`(${left} >= ${right})`;
  }
}

const COLUMNS: Readonly<Partial<Record<FieldName, SqlFragment>>> = {
  last: sqlFragment`f.last_outcome`,
  run: sqlFragment`f.run_state`,
  customer: sqlFragment`f.customer_name`,
  name: sqlFragment`f.name`,
  host: sqlFragment`f.hostname`,
  os: sqlFragment`f.os`,
  policy: sqlFragment`f.policy_name`,
  custody: sqlFragment`f.custody`,
  note: sqlFragment`f.note`,
  rpo: sqlFragment`f.usable_capture_at`,
  target: sqlFragment`f.rpo`,
  proof: sqlFragment`f.proof_at`,
  level: sqlFragment`f.usable_level`,
  rto: sqlFragment`f.rto_ms`,
  next: sqlFragment`f.next_due_at`,
  ran: sqlFragment`f.run_started_at`,
  seen: sqlFragment`f.last_seen_at`,
  enrolled: sqlFragment`f.enrolled_at`,
  size: sqlFragment`f.usable_bytes`,
  added: sqlFragment`f.usable_stored_bytes`,
  alerts: sqlFragment`f.open_alerts`,
  damage: sqlFragment`f.bad_objects`,
};

function columnOf(field: FieldName): SqlFragment {
  const column = COLUMNS[field];
  if (column === undefined) throw new HoldfastError('internal', 'This field has no column.', { detail: { field } });
  return column;
}

export interface SortKey {
  /** Never null: what never happened stands where infinitely long ago would. */
  readonly key: SqlFragment;
  /** Its text, cast to this, is the key again. */
  readonly cast: (text: string) => SqlFragment;
}

const asNumber = (text: string): SqlFragment => sqlFragment`${text}::text::float8`;
const asText = (text: string): SqlFragment => sqlFragment`${text}::text`;

/** Without an order the most urgent come first. An age ascends from the youngest. */
export function sortKeyOf(sort: FilterSort | null): SortKey {
  const by = sort?.by ?? 'status';
  if (by === 'customer' || by === 'name' || by === 'policy')
    return { key: sqlFragment`lower(${columnOf(by)})`, cast: asText };
  if (by === 'agent') return { key: sqlFragment`f.agent_order`, cast: (text) => sqlFragment`${text}::text::int[]` };
  if (by === 'status') return { key: sqlFragment`f.status::float8`, cast: asNumber };
  const column = columnOf(by);
  const { kind } = fieldOf(by);
  if (by === 'next')
    return { key: sqlFragment`coalesce(extract(epoch FROM ${column})::float8, 'Infinity')`, cast: asNumber };
  if (kind === 'age')
    return { key: sqlFragment`coalesce(-extract(epoch FROM ${column})::float8, 'Infinity')`, cast: asNumber };
  if (by === 'target') return { key: sqlFragment`extract(epoch FROM ${column})::float8`, cast: asNumber };
  return { key: sqlFragment`coalesce(${column}, ${kind === 'span' ? -1 : 0})::float8`, cast: asNumber };
}
