/** Recomputes a tenant's audit chain from its rows: an edit, a deletion, an insertion and a reordering all show. */
import { createHash } from 'node:crypto';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface ChainProblem {
  readonly sequence: bigint;
  readonly problem: 'gap' | 'link' | 'content' | 'head';
}

interface ChainRow {
  readonly sequence: bigint;
  readonly previous_hash: string;
  readonly hash: string;
  readonly text: string;
}

const GENESIS = '0'.repeat(64);

/** The first problem, or undefined when the chain is whole up to its head. */
export async function verifyAuditChain(services: Services, scope: Scope): Promise<ChainProblem | undefined> {
  return await withScope(services, scope, async (tx) => {
    // The text is built by the database, exactly as audit_append builds it: microseconds and jsonb survive no other way.
    const rows = await tx.$queryRaw<ChainRow[]>`
      SELECT sequence, previous_hash, hash, concat_ws(E'\n', 'holdfast-audit-v1', tenant_id::text, sequence::text,
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), coalesce(customer_id::text, ''), actor_kind,
        coalesce(actor_id::text, ''), action, subject_kind, coalesce(subject_id::text, ''), previous_hash, data::text) AS text
      FROM audit_event ORDER BY sequence`;
    const [head] = await tx.$queryRaw<{ sequence: bigint; hash: string }[]>`SELECT sequence, hash FROM audit_head`;
    let previous = GENESIS;
    let expected = 1n;
    for (const row of rows) {
      if (row.sequence !== expected) return { sequence: expected, problem: 'gap' as const };
      if (row.previous_hash !== previous) return { sequence: row.sequence, problem: 'link' as const };
      const hash = createHash('sha256').update(row.text).digest('hex');
      if (hash !== row.hash) return { sequence: row.sequence, problem: 'content' as const };
      previous = row.hash;
      expected += 1n;
    }
    const isWhole = head === undefined ? rows.length === 0 : head.sequence === expected - 1n && head.hash === previous;
    return isWhole ? undefined : { sequence: expected, problem: 'head' as const };
  });
}
