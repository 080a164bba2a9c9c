import {
  CHECK_LEVELS,
  type CheckLevel,
  COVERAGE_DAYS,
  coveredFromMs,
  type CoverageSums,
} from '../../core/domain/integrity.ts';
import { dueBeforeMs, READING } from '../../core/domain/verification-pace.ts';
import type { Tx } from '../db/client.ts';

export interface VaultCoverage {
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly levels: Readonly<Record<CheckLevel, CoverageSums>>;
  /** Level 1: never read, and what has to be read before long; both are taken first. */
  readonly newBytes: number;
  readonly dueBytes: number;
  /** Does the service hold a key, so that level 2 can be reached at all. */
  readonly isEscrowed: boolean;
}

interface Row {
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly isEscrowed: boolean;
  readonly objects: bigint;
  readonly stored: bigint;
  readonly openable: bigint;
  readonly verified0: bigint;
  readonly verified1: bigint;
  readonly verified2: bigint;
  readonly oldest0: Date | null;
  readonly oldest1: Date | null;
  readonly oldest2: Date | null;
  readonly fresh: bigint;
  readonly due: bigint;
}

/**
 * The sums of each vault, by the database. An object was listed when it was sealed, and with each listing of its vault since; a
 * higher level counts for the lower ones. Key files count for the first two levels alone: nobody here has their passwords.
 * What was replaced by a repair is stored for evidence, and counts for nothing.
 */
export async function loadCoverage(
  tx: Tx,
  place: { readonly tenantId: string; readonly deviceId?: string; readonly customerId?: string },
  nowMs: number,
): Promise<VaultCoverage[]> {
  const from = (level: CheckLevel): Date => new Date(coveredFromMs({ days: COVERAGE_DAYS[level], nowMs }));
  const rows = await tx.$queryRaw<Row[]>`
    SELECT v.customer_id AS "customerId", v.device_id AS "deviceId", v.id AS "vaultId",
      v.drill_password_sealed IS NOT NULL AS "isEscrowed", count(o.size) AS objects,
      coalesce(sum(o.size), 0)::bigint AS stored,
      coalesce(sum(o.size) FILTER (WHERE o.kind <> 'key'), 0)::bigint AS openable,
      coalesce(sum(o.size) FILTER (WHERE o.at0 >= ${from(0)}), 0)::bigint AS verified0,
      coalesce(sum(o.size) FILTER (WHERE o.at1 >= ${from(1)}), 0)::bigint AS verified1,
      coalesce(sum(o.size) FILTER (WHERE o.kind <> 'key' AND o.at2 >= ${from(2)}), 0)::bigint AS verified2,
      min(coalesce(o.at0, o.sealed_at)) AS oldest0, min(coalesce(o.at1, o.sealed_at)) AS oldest1,
      min(coalesce(o.at2, o.sealed_at)) FILTER (WHERE o.kind <> 'key') AS oldest2,
      coalesce(sum(o.size) FILTER (WHERE o.state = 'sealed' AND o.verified_at IS NULL), 0)::bigint AS fresh,
      coalesce(sum(o.size) FILTER (WHERE o.state = 'sealed'
        AND o.verified_at < ${new Date(dueBeforeMs(READING, nowMs))}), 0)::bigint AS due
    FROM vault v
    JOIN device d ON d.tenant_id = v.tenant_id AND d.id = v.device_id AND d.revoked_at IS NULL
    LEFT JOIN vault_check c ON c.tenant_id = v.tenant_id AND c.vault_id = v.id
    LEFT JOIN LATERAL (
      SELECT s.size, s.kind, s.state, s.sealed_at, s.verified_at,
        CASE WHEN s.state = 'sealed' THEN greatest(s.sealed_at,
          CASE WHEN c.listed_at >= s.sealed_at THEN c.listed_at END, s.verified_at, s.decrypted_at) END AS at0,
        CASE WHEN s.state = 'sealed' THEN greatest(s.verified_at, s.decrypted_at) END AS at1,
        CASE WHEN s.state = 'sealed' THEN s.decrypted_at END AS at2
      FROM stored_object s
      WHERE s.tenant_id = v.tenant_id AND s.vault_id = v.id AND s.sealed_at IS NOT NULL AND s.state <> 'retired') o ON true
    WHERE v.tenant_id = ${place.tenantId}::uuid AND (${place.deviceId ?? null}::uuid IS NULL OR v.device_id = ${place.deviceId ?? null}::uuid)
      AND (${place.customerId ?? null}::uuid IS NULL OR v.customer_id = ${place.customerId ?? null}::uuid)
    GROUP BY v.tenant_id, v.id, v.customer_id, v.device_id, v.drill_password_sealed`;
  return rows.map((row) => {
    const verified = [row.verified0, row.verified1, row.verified2];
    const oldest = [row.oldest0, row.oldest1, row.oldest2];
    const sums = CHECK_LEVELS.map((level): CoverageSums => {
      const stored = level === 2 ? (row.isEscrowed ? row.openable : 0n) : row.stored;
      return {
        storedBytes: Number(stored),
        verifiedBytes: Number(stored === 0n ? 0n : verified[level]),
        oldestMs: stored === 0n ? undefined : oldest[level]?.getTime(),
        objects: Number(row.objects),
      };
    });
    return {
      customerId: row.customerId,
      deviceId: row.deviceId,
      vaultId: row.vaultId,
      levels: { 0: sums[0]!, 1: sums[1]!, 2: sums[2]! },
      newBytes: Number(row.fresh),
      dueBytes: Number(row.due),
      isEscrowed: row.isEscrowed,
    };
  });
}
