/** The rows of the past that rules are tried on, for a page of devices. */
import type { DevicePast, PastGap, PastListing, PastRun, SourcePast } from '../../../core/domain/alerts/back-test.ts';
import { plansOf } from '../../../core/domain/drill-plans.ts';
import type { OccurrenceOutcome } from '../../../core/domain/outcome.ts';
import type { Tx } from '../../db/client.ts';
import { sqlFragment } from '../../db/sql-fragment.ts';
import { reachedLevel } from '../../drills/load-coverage.ts';
import { type ChangeColumns, toFileFigures } from '../change-columns.ts';
import type { PolicyFacts } from '../load-device-facts.ts';
import { loadAgedPoints, overdueStretches } from '../overdue-points.ts';
import { type ChosenDevice, subjectOf } from './choose-devices.ts';

/** What happened to these devices since then, and of each kind the newest before it: what held when the time began. */
export async function loadPasts(
  tx: Tx,
  tenantId: string,
  devices: readonly ChosenDevice[],
  policies: ReadonlyMap<string, PolicyFacts>,
  since: Date,
  /** What is too old is reckoned for a rule that asks alone: it reads every point that there ever was. */
  overdueUntilMs: number | null,
): Promise<DevicePast[]> {
  const ids = devices.map(({ id }) => id);
  const sources = await tx.source.findMany({
    where: { tenantId, deviceId: { in: ids } },
    select: { id: true, deviceId: true, createdAt: true },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
  const rows = await loadRows(
    tx,
    tenantId,
    sources.map(({ id }) => id),
    since,
  );
  const sourcesOf = Map.groupBy(sources, ({ deviceId }) => deviceId);
  const gapsOf = await loadGaps(tx, tenantId, ids, since);
  const overdueOf =
    overdueUntilMs === null ? undefined : await loadOverdue(tx, tenantId, ids, since.getTime(), overdueUntilMs);
  const listingsOf = await loadListings(tx, tenantId, ids, since);
  return devices.map((device) => {
    const policy = policies.get(device.policyId)!;
    return {
      deviceId: device.id,
      deviceName: device.name,
      ...subjectOf(device, policy),
      enrolledMs: device.enrolledAt.getTime(),
      lastSeenMs: device.lastSeenAt?.getTime() ?? null,
      storedMs: device.storedAt?.getTime() ?? null,
      gaps: gapsOf.get(device.id) ?? [],
      listings: listingsOf.get(device.id) ?? [],
      rpoMs: policy.rpoMs,
      longestPauseMs: policy.longestPauseMs,
      plans: plansOf(policy.document),
      sources: (sourcesOf.get(device.id) ?? []).map(({ id, createdAt }) => ({
        sourceId: id,
        addedMs: createdAt.getTime(),
        overdue: overdueOf?.get(id) ?? [],
        ...rows(id),
      })),
    };
  });
}

async function loadOverdue(
  tx: Tx,
  tenantId: string,
  deviceIds: readonly string[],
  startMs: number,
  endMs: number,
): Promise<ReadonlyMap<string, SourcePast['overdue']>> {
  const sources = await loadAgedPoints(tx, tenantId, deviceIds);
  return new Map(
    sources.map(({ sourceId, points, terms, timeZone }) => [
      sourceId,
      overdueStretches(points, terms, timeZone, { startMs, endMs }),
    ]),
  );
}

async function loadGaps(
  tx: Tx,
  tenantId: string,
  deviceIds: readonly string[],
  since: Date,
): Promise<ReadonlyMap<string, readonly PastGap[]>> {
  const rows = await tx.deviceGap.findMany({
    where: { tenantId, deviceId: { in: [...deviceIds] }, untilAt: { gt: since } },
    select: { deviceId: true, fromAt: true, untilAt: true },
  });
  const gaps = rows.map(({ deviceId, fromAt, untilAt }) => ({
    deviceId,
    fromMs: fromAt.getTime(),
    untilMs: untilAt.getTime(),
  }));
  return Map.groupBy(gaps, ({ deviceId }) => deviceId);
}

/** Level 0, whatever it found: it was done. The one that the vault speaks of is among them, or was written without its row. */
async function loadListings(
  tx: Tx,
  tenantId: string,
  deviceIds: readonly string[],
  since: Date,
): Promise<ReadonlyMap<string, readonly PastListing[]>> {
  const rows = await tx.$queryRaw<{ deviceId: string; startedAt: Date; endedAt: Date }[]>`
    SELECT v.device_id AS "deviceId", v.started_at AS "startedAt", v.finished_at AS "endedAt" FROM verification v
    WHERE v.tenant_id = ${tenantId}::uuid AND v.device_id = ANY (${[...deviceIds]}::uuid[]) AND v.level = 0
      AND v.created_at >= ${since} AND v.state IN ('passed', 'failed') AND v.started_at IS NOT NULL AND v.finished_at IS NOT NULL
    UNION ALL
    SELECT c.device_id, c.listed_at, c.listed_at FROM vault_check c
    WHERE c.tenant_id = ${tenantId}::uuid AND c.device_id = ANY (${[...deviceIds]}::uuid[]) AND c.listed_at IS NOT NULL`;
  const listings = rows.map(({ deviceId, startedAt, endedAt }) => ({
    deviceId,
    startedMs: startedAt.getTime(),
    endedMs: endedAt.getTime(),
  }));
  return Map.groupBy(listings, ({ deviceId }) => deviceId);
}

/** Everything that happened to these sources since then, and the newest of each before it: what held when the time began. */
async function loadRows(
  tx: Tx,
  tenantId: string,
  sourceIds: readonly string[],
  since: Date,
): Promise<(sourceId: string) => Pick<SourcePast, 'points' | 'occurrences' | 'runs' | 'passes'>> {
  const ids = [...sourceIds];
  const points = await tx.$queryRaw<PointRow[]>`
    SELECT p.* FROM unnest(${ids}::uuid[]) AS s(id) CROSS JOIN LATERAL (
      (SELECT source_id, sealed_at, capture_at, is_usable AND state = 'sealed' AS is_usable, stored_bytes::float8, added_bytes::float8,
          files::float8, bytes::float8, ${CHANGES} FROM restore_point x
        WHERE x.tenant_id = ${tenantId}::uuid AND x.source_id = s.id AND x.capture_at >= ${since})
      UNION ALL
      (SELECT source_id, sealed_at, capture_at, true, stored_bytes::float8, added_bytes::float8, files::float8, bytes::float8, ${CHANGES}
        FROM restore_point x WHERE x.tenant_id = ${tenantId}::uuid AND x.source_id = s.id AND x.capture_at < ${since}
        AND x.is_usable AND x.state = 'sealed' ORDER BY x.capture_at DESC LIMIT 1)) p`;
  const occurrences = await tx.$queryRaw<OccurrenceRow[]>`
    SELECT o.source_id, o.due_at, o.window_end, coalesce(o.resolved_at, o.window_end) AS resolved_at, o.outcome, r.started_at
    FROM expected_occurrence o LEFT JOIN backup_run r ON r.tenant_id = o.tenant_id AND r.id = o.run_id
    WHERE o.tenant_id = ${tenantId}::uuid AND o.source_id = ANY (${ids}::uuid[]) AND o.due_at >= ${since} AND o.outcome IS NOT NULL`;
  const runs = await tx.$queryRaw<RunRow[]>`
    SELECT r.source_id, r.started_at, coalesce(r.finished_at, r.last_progress_at) AS ended_at, r.state, r.outcome, r.error_code,
      r.error_message FROM source s JOIN backup_run r ON r.tenant_id = s.tenant_id AND r.device_id = s.device_id AND r.source_id = s.id
    WHERE s.tenant_id = ${tenantId}::uuid AND s.id = ANY (${ids}::uuid[]) AND r.started_at >= ${since}
      AND r.state IN ('sealed', 'failed', 'aborted') AND NOT EXISTS (SELECT FROM expected_occurrence o
        WHERE o.tenant_id = r.tenant_id AND o.id = r.occurrence_id AND o.outcome = 'excused')`;
  const passes = await tx.$queryRaw<PassRow[]>`
    SELECT d.source_id, ${reachedLevel('d')} AS level, d.finished_at FROM drill d
    WHERE d.tenant_id = ${tenantId}::uuid AND d.source_id = ANY (${ids}::uuid[]) AND d.state = 'passed' AND d.runner <> 'kit'
      AND d.finished_at IS NOT NULL`;
  const of = <Row extends { source_id: string }>(all: readonly Row[]) => Map.groupBy(all, (row) => row.source_id);
  const [pointsOf, occurrencesOf, runsOf, passesOf] = [of(points), of(occurrences), of(runs), of(passes)];
  return (id) => ({
    points: (pointsOf.get(id) ?? []).map((row) => ({
      sealedMs: row.sealed_at.getTime(),
      captureMs: row.capture_at.getTime(),
      isUsable: row.is_usable,
      storedBytes: row.stored_bytes,
      addedBytes: row.added_bytes,
      files: row.files,
      bytes: row.bytes,
      changes: toFileFigures(row),
    })),
    occurrences: (occurrencesOf.get(id) ?? []).map((row) => ({
      dueMs: row.due_at.getTime(),
      windowEndMs: row.window_end.getTime(),
      resolvedMs: row.resolved_at.getTime(),
      outcome: row.outcome,
      runStartedMs: row.started_at?.getTime() ?? null,
    })),
    runs: (runsOf.get(id) ?? []).map((row) => ({
      startedMs: row.started_at.getTime(),
      endedMs: row.ended_at.getTime(),
      state: row.state,
      outcome: row.outcome,
      errorCode: row.error_code,
      errorMessage: row.error_message,
    })),
    passes: (passesOf.get(id) ?? []).map((row) => ({ level: row.level, endedMs: row.finished_at.getTime() })),
  });
}

/** Of `restore_point`, under the names of its columns in the code. */
const CHANGES = sqlFragment`former_files::float8 AS "formerFiles", changed_files::float8 AS "changedFiles",
  gone_files::float8 AS "goneFiles", file_read_bytes::float8 AS "fileReadBytes", file_new_bytes::float8 AS "fileNewBytes",
  file_stored_bytes::float8 AS "fileStoredBytes", entropy_bits AS "entropyBits"`;

interface PointRow extends Readonly<Record<keyof ChangeColumns, number | null>> {
  readonly source_id: string;
  readonly sealed_at: Date;
  readonly capture_at: Date;
  readonly is_usable: boolean;
  readonly stored_bytes: number;
  readonly added_bytes: number | null;
  readonly files: number;
  readonly bytes: number;
}
interface OccurrenceRow {
  readonly source_id: string;
  readonly due_at: Date;
  readonly window_end: Date;
  readonly resolved_at: Date;
  readonly outcome: OccurrenceOutcome;
  readonly started_at: Date | null;
}
interface RunRow {
  readonly source_id: string;
  readonly started_at: Date;
  readonly ended_at: Date;
  readonly state: PastRun['state'];
  readonly outcome: PastRun['outcome'];
  readonly error_code: string | null;
  readonly error_message: string | null;
}
interface PassRow {
  readonly source_id: string;
  readonly level: number;
  readonly finished_at: Date;
}
