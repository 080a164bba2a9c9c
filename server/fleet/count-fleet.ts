/** How many devices there are of what: for the opening sentence, and beside the filter for each word of its facets. */
import { chosenWords, joinTop, withoutChoice } from '../../core/domain/fleet-filter/facet-terms.ts';
import type { FilterNode, FleetFilter } from '../../core/domain/fleet-filter/filter.ts';
import { PROTECTION_STATES } from '../../core/domain/outcome.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { joinFragments, sqlFragment, type SqlFragment, toStatement } from '../db/sql-fragment.ts';
import { runAllInScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { compileFilter } from './compile-filter.ts';
import { protectionOf } from './device-facts.ts';
import { type FleetFactsRow, fleetColumns, overManyRows, withFleet } from './fleet-rows.ts';
import { refreshSummaries } from './refresh-summaries.ts';
import type { FacetField, FacetWord, FleetFacets, FleetTotals } from './view.ts';

export const FACET_FIELDS: readonly FacetField[] = ['status', 'last', 'customer', 'policy', 'tag', 'os'];
/** Words of one facet: who looks for another types it. */
const WORDS_MAX = 12;

/** Each facet is counted among what the rest of the filter lets through, so that a second word can be chosen. Staff only. */
export async function countFacets(services: Services, scope: Scope, filter: FleetFilter): Promise<FleetFacets> {
  requireStaff(scope);
  const now = new Date(services.clock.nowMs());
  const common = FACET_FIELDS.reduce<FilterNode | null>(
    (where, field) => joinTop(withoutChoice(where, field)),
    filter.where,
  );
  const choices = new Map(
    FACET_FIELDS.filter((field) => chosenWords(filter, field).length > 0).map((field) => [
      field,
      compileFilter(joinTop(withoutOthers(filter, field)), now),
    ]),
  );
  // The choice of every facet but the given one.
  const others = (field: FacetField | null): SqlFragment => {
    const parts = [...choices.keys()].filter((one) => one !== field).map((one) => CHOICES[one]);
    return parts.length === 0 ? sqlFragment`true` : joinFragments(parts, ' AND ');
  };
  const marks = FACET_FIELDS.map((field) => choices.get(field) ?? sqlFragment`true`);
  const [, rows] = await runAllInScope<[unknown, { field: FacetField | 'total'; word: string | null; count: number }]>(
    services,
    scope,
    [
      overManyRows,
      toStatement(
        null,
        sqlFragment`
      ${withFleet(scope.tenantId, now)},
      m AS MATERIALIZED (SELECT f.status, f.last_outcome, f.customer_name, f.policy_name, f.os, f.tags,
        ${marks[0]!} AS by_status, ${marks[1]!} AS by_last, ${marks[2]!} AS by_customer, ${marks[3]!} AS by_policy,
        ${marks[4]!} AS by_tag, ${marks[5]!} AS by_os FROM f WHERE ${compileFilter(common, now)})
      SELECT 'total' AS field, NULL AS word, count(*)::int AS count FROM m WHERE ${others(null)}
      UNION ALL SELECT 'status', m.status::text, count(*)::int FROM m WHERE ${others('status')} GROUP BY 2
      UNION ALL SELECT 'last', m.last_outcome, count(*)::int FROM m WHERE m.last_outcome IS NOT NULL AND ${others('last')} GROUP BY 2
      UNION ALL (SELECT 'customer', m.customer_name, count(*)::int FROM m WHERE ${others('customer')} GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT ${WORDS_MAX})
      UNION ALL (SELECT 'policy', m.policy_name, count(*)::int FROM m WHERE ${others('policy')} GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT ${WORDS_MAX})
      UNION ALL (SELECT 'tag', t.tag, count(*)::int FROM m CROSS JOIN LATERAL unnest(m.tags) AS t(tag) WHERE ${others('tag')} GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT ${WORDS_MAX})
      UNION ALL (SELECT 'os', m.os, count(*)::int FROM m WHERE ${others('os')} GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT ${WORDS_MAX})`,
      ),
    ],
  );
  const wordsOf = (field: FacetField): FacetWord[] =>
    rows
      .filter((row) => row.field === field)
      .map(({ word, count }) => {
        const label = field === 'status' ? PROTECTION_STATES[Number(word)]! : word!;
        return { word: label.toLowerCase(), label, count };
      });
  const byUrgency = wordsOf('status').toSorted((a, b) => rankOf(a.label) - rankOf(b.label));
  return {
    total: rows.find(({ field }) => field === 'total')?.count ?? 0,
    fields: {
      status: byUrgency,
      last: wordsOf('last'),
      customer: wordsOf('customer'),
      policy: wordsOf('policy'),
      tag: wordsOf('tag'),
      os: wordsOf('os'),
    },
  };
}

const CHOICES: Readonly<Record<FacetField, SqlFragment>> = {
  status: sqlFragment`m.by_status`,
  last: sqlFragment`m.by_last`,
  customer: sqlFragment`m.by_customer`,
  policy: sqlFragment`m.by_policy`,
  tag: sqlFragment`m.by_tag`,
  os: sqlFragment`m.by_os`,
};

function rankOf(state: string): number {
  return (PROTECTION_STATES as readonly string[]).indexOf(state);
}

/** Of the top of the filter, the choices of this field alone. */
function withoutOthers({ where }: FleetFilter, field: FacetField): FilterNode[] {
  const rest = new Set(withoutChoice(where, field));
  const parts = where === null ? [] : where.kind === 'and' ? where.parts : [where];
  return parts.filter((part) => !rest.has(part));
}

/** Staff only. */
export async function countFleet(services: Services, scope: Scope): Promise<FleetTotals> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  await refreshSummaries(services, scope);
  const [, groups, firsts, customers] = await runAllInScope<
    [
      unknown,
      { status: number; count: number; busy: number; oldest_proof: Date | null; without_proof: number },
      FleetFactsRow,
      { count: number },
    ]
  >(services, scope, [
    overManyRows,
    toStatement(
      null,
      sqlFragment`${withFleet(scope.tenantId, now)}
        SELECT f.status, count(*)::int AS count, min(f.proof_at) AS oldest_proof,
          count(*) FILTER (WHERE f.proof_at IS NULL)::int AS without_proof,
          count(*) FILTER (WHERE f.is_checking OR f.run_state IN ('running', 'committed'))::int AS busy
        FROM f GROUP BY 1`,
    ),
    toStatement(
      null,
      sqlFragment`${withFleet(scope.tenantId, now)}
        SELECT ${fleetColumns} FROM (SELECT f.* FROM f WHERE f.status < ${PROTECTION_STATES.indexOf('proven')}::int
          ORDER BY f.status, f.customer_name, f.name LIMIT 1) f`,
    ),
    toStatement(
      null,
      sqlFragment`SELECT count(*)::int AS count FROM customer WHERE tenant_id = ${scope.tenantId}::uuid`,
    ),
  ]);
  const proven = groups.find(({ status }) => PROTECTION_STATES[status] === 'proven');
  const first = firsts[0];
  return {
    nowMs,
    devices: groups.reduce((sum, { count }) => sum + count, 0),
    customers: customers[0]!.count,
    states: Object.fromEntries(groups.map(({ status, count }) => [PROTECTION_STATES[status], count])),
    busy: groups.reduce((sum, { busy }) => sum + busy, 0),
    first:
      first === undefined
        ? null
        : {
            name: first.name,
            protection: protectionOf(first, { rpoMs: first.rpo_ms, drillIntervalMs: first.drill_interval_ms }, nowMs),
            proofAtMs: first.proof_at?.getTime() ?? null,
          },
    oldestProofMs: proven === undefined || proven.without_proof > 0 ? null : (proven.oldest_proof?.getTime() ?? null),
  };
}
