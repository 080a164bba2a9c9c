import type { DrillFacts } from '../../core/domain/drill-plans.ts';
import type { Tx } from '../db/client.ts';
import { answersFailure, failedLevels, reachedLevel } from './load-coverage.ts';

interface FactsRow {
  readonly sourceId: string;
  readonly state: DrillFacts['state'];
  readonly level: number;
  readonly depth: number;
  readonly pointChoice: DrillFacts['pointChoice'];
  readonly scope: DrillFacts['scope'];
  readonly isOutdated: boolean;
  readonly isAnswered: boolean;
  readonly newest: Date;
  readonly pointAt: Date;
  readonly point_id: string;
}

/**
 * What plans decide by (core/domain/drill-plans.ts), by source: of drills of one kind and end the newest alone, for only that
 * one counts. The words are held by CHECK constraints of the database.
 */
export async function loadDrillFacts(
  tx: Tx,
  tenantId: string,
  sources: readonly { readonly sourceId: string; readonly deviceId: string }[],
): Promise<Map<string, DrillFacts[]>> {
  const deviceIds = [...new Set(sources.map(({ deviceId }) => deviceId))];
  const rows = await tx.$queryRaw<FactsRow[]>`
    SELECT g.*, rp.capture_at AS "pointAt" FROM (
      SELECT x.source_id AS "sourceId", x.state, x.level, x.point_choice AS "pointChoice", x.scope, w.depth, w."isOutdated",
        w."isAnswered", max(x.created_at) AS newest, (array_agg(x.restore_point_id ORDER BY x.created_at DESC))[1] AS point_id
      FROM drill x
      JOIN drill y ON y.tenant_id = x.tenant_id AND y.id = x.id
      CROSS JOIN LATERAL ${failedLevels} k
      CROSS JOIN LATERAL (SELECT CASE x.state WHEN 'passed' THEN ${reachedLevel('y')}
        WHEN 'failed' THEN coalesce(k.deepest, x.level) ELSE x.level END AS depth,
        x.state = 'failed' AND EXISTS (SELECT FROM drill y WHERE ${answersFailure}) AS "isAnswered",
        EXISTS (SELECT FROM damage l WHERE l.tenant_id = x.tenant_id AND l.device_id = x.device_id
          AND l.accepted_at IS NOT NULL AND l.found_at >= x.created_at) AS "isOutdated") w
      WHERE x.tenant_id = ${tenantId}::uuid AND x.device_id = ANY (${deviceIds}::uuid[]) AND x.runner <> 'kit'
      GROUP BY x.source_id, x.state, x.level, x.point_choice, x.scope, w.depth, w."isOutdated", w."isAnswered") g
    JOIN restore_point rp ON rp.tenant_id = ${tenantId}::uuid AND rp.id = g.point_id`;
  const facts = new Map<string, DrillFacts[]>(sources.map(({ sourceId }) => [sourceId, []]));
  for (const { sourceId, newest, pointAt, point_id: _, ...fact } of rows)
    facts.get(sourceId)?.push({ ...fact, createdMs: newest.getTime(), pointMs: pointAt.getTime() });
  return facts;
}
