/** Random filters and records for property tests: values of a small alphabet, so that they often meet. */
import fc from 'fast-check';
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES, RUN_STATES } from '../../outcome.ts';
import { FIELD_NAMES, fieldOf, FLAGS, SORT_NAMES } from '../fields.ts';
import { type FilterNode, type FleetFilter, versionNumbers } from '../filter.ts';
import type { FleetRecord } from '../match-filter.ts';

const HOUR_MS = 3_600_000;
/** With what a language could trip over: spaces, quotes, its own words, characters of LIKE and of SQL. */
const NAMES = [
  'Hill Dental',
  'srv-1',
  'or',
  'none',
  'failed',
  'a"b',
  'c\\d',
  '100%',
  "o'neil",
  'x_y',
  '(a)',
  'srv',
  'Zz',
  '-x',
  'a:b',
];
const TEXTS = [...NAMES.map((name) => name.toLowerCase()), 'hill', 's', '1', '%', '_'];
const VERSIONS = ['0', '1', '1.4', '1.4.0', '1.10', '1.3.9', '2.0.1-beta', 'dev'];
export const AMOUNTS = [0, 1, 2, 3, 5] as const;

const oneOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 3 });
const someTexts = (texts: readonly string[]): fc.Arbitrary<string[]> =>
  fc.uniqueArray(oneOf(texts), { minLength: 1, maxLength: 3 });

const OWN_TEXTS = ['oslo', 'a b', '5', '12.5', '2026-11-21', '100%', 'none', '-x'];
const ownLeaf: fc.Arbitrary<FilterNode> = fc.oneof(
  fc
    .tuple(oneOf(['site', 'seats']), oneOf(['is', '=', '!='] as const), someTexts(OWN_TEXTS))
    .map(([key, comparison, texts]): FilterNode => ({ kind: 'own', key, comparison, texts })),
  fc
    .tuple(oneOf(['site', 'seats']), oneOf(['<', '<=', '>', '>='] as const), oneOf(['5', '12.5', '2026-11-21', '-3']))
    .map(([key, comparison, text]): FilterNode => ({ kind: 'own', key, comparison, texts: [text] })),
  oneOf(['site', 'seats']).map((key): FilterNode => ({ kind: 'own', key, comparison: 'none', texts: [] })),
);

const leaf: fc.Arbitrary<FilterNode> = fc.oneof(
  ownLeaf,
  oneOf(TEXTS).map((text) => ({ kind: 'text' as const, text })),
  oneOf(FIELD_NAMES).chain((field): fc.Arbitrary<FilterNode> => {
    const { kind, words, canBeNone } = fieldOf(field);
    const none: fc.Arbitrary<FilterNode>[] = canBeNone === true ? [fc.constant({ kind: 'none', field })] : [];
    if (kind === 'text' || kind === 'word' || kind === 'tag') {
      const comparisons = kind === 'text' ? (['is', '=', '!='] as const) : (['is', '!='] as const);
      const texts = fc
        .tuple(oneOf(comparisons), someTexts(words ?? TEXTS))
        .map(([comparison, found]): FilterNode => ({ kind: 'texts', field, comparison, texts: found }));
      return fc.oneof(texts, texts, ...none);
    }
    const four = ['<', '<=', '>', '>='] as const;
    if (kind === 'version')
      return fc.tuple(oneOf([...four, '=', '!='] as const), oneOf(VERSIONS)).map(
        ([comparison, version]): FilterNode => ({
          kind: 'version',
          field,
          comparison,
          numbers: versionNumbers(version),
        }),
      );
    const comparisons = kind === 'number' ? ([...four, '=', '!='] as const) : four;
    const unit = kind === 'age' || kind === 'span' ? HOUR_MS : 1;
    const amount = fc
      .tuple(oneOf(comparisons), oneOf(AMOUNTS))
      .map(([comparison, count]): FilterNode => ({ kind: 'amount', field, comparison, amount: count * unit }));
    return fc.oneof(amount, amount, ...none);
  }),
);

const { node } = fc.letrec<{ node: FilterNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map((parts) => flat('and', parts)),
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map((parts) => flat('or', parts)),
    tie('node').map((part): FilterNode => (part.kind === 'not' ? part : { kind: 'not', part })),
  ),
}));

/** As the parser makes it: what is nested alike is flat. */
function flat(kind: 'and' | 'or', parts: readonly FilterNode[]): FilterNode {
  return { kind, parts: parts.flatMap((part) => (part.kind === kind ? part.parts : [part])) };
}

export const randomFilter: fc.Arbitrary<FleetFilter> = fc.record({
  where: orNull(node),
  sort: orNull(fc.record({ by: oneOf(SORT_NAMES), isDescending: fc.boolean() })),
});

export function randomRecord(nowMs: number): fc.Arbitrary<FleetRecord> {
  const past = orNull(oneOf(AMOUNTS).map((hours) => nowMs - hours * HOUR_MS));
  const count = oneOf(AMOUNTS);
  return fc.record({
    name: oneOf(NAMES),
    host: oneOf(NAMES),
    customer: oneOf(NAMES),
    policy: oneOf(NAMES),
    os: oneOf(['linux', 'windows']),
    agent: oneOf(VERSIONS),
    tags: fc.uniqueArray(oneOf(TEXTS), { maxLength: 3 }),
    note: orNull(oneOf(NAMES)),
    own: fc.dictionary(
      oneOf(['site', 'seats']),
      oneOf<string | number>(['Oslo', 'A b', 5, 12.5, -3, 4, '2026-11-21', '2026-11-20', '100%', 'none']),
    ),
    custody: orNull(oneOf(['escrowed', 'customer_held'])),
    status: oneOf(PROTECTION_STATES),
    last: orNull(oneOf(OCCURRENCE_OUTCOMES)),
    run: orNull(oneOf(RUN_STATES)),
    flags: fc.uniqueArray(oneOf(FLAGS)),
    dataAtMs: past,
    proofAtMs: past,
    ranAtMs: past,
    seenAtMs: past,
    enrolledAtMs: count.map((hours) => nowMs - hours * HOUR_MS),
    nextAtMs: orNull(count.map((hours) => nowMs + hours * HOUR_MS)),
    targetMs: count.map((hours) => hours * HOUR_MS),
    rtoMs: orNull(count.map((hours) => hours * HOUR_MS)),
    level: orNull(count),
    sizeBytes: orNull(count),
    addedBytes: orNull(count),
    alerts: count,
    damage: count,
  });
}
