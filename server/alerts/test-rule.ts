/** What a rule would have done in the last 30 days, from the rows of that time: how often, for whom, how long, and for nothing. */
import { HoldfastError } from '../../core/base/errors.ts';
import {
  backTest,
  type DevicePast,
  type PastAlert,
  type PastRun,
  type SourcePast,
} from '../../core/domain/alerts/back-test.ts';
import { isTestable } from '../../core/domain/alerts/kinds.ts';
import { medianOf } from '../../core/domain/alerts/growth.ts';
import { isNoise } from '../../core/domain/alerts/noise.ts';
import { matchesFilter, parseParameters, type Rule, type RuleWish } from '../../core/domain/alerts/rules.ts';
import { plansOf } from '../../core/domain/drill-plans.ts';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';
import { withScope } from '../db/with-scope.ts';
import { reachedLevel } from '../drills/load-coverage.ts';
import type { Services } from '../services.ts';
import { type ChangeColumns, toFileFigures } from './change-columns.ts';
import { loadPolicyFacts, type PolicyFacts } from './load-device-facts.ts';
import { classOf } from './load-rules.ts';
import type { BackTestView } from './view.ts';

const DAYS = 30;
const DAY_MS = 86_400_000;
/** What stood when the 30 days began follows from the days before: growth looks back four weeks. */
const BEFORE_DAYS = 30;
/** Devices of one page, and of one test: of a larger fleet a sample is looked at, which is drawn by their ids. */
const PAGE = 200;
const DEVICES_MAX = 2000;
const WORST_SHOWN = 10;

/** @throws HoldfastError forbidden; conflict for a kind of which the past is not kept. */
export async function testRule(services: Services, scope: Scope, wish: RuleWish): Promise<BackTestView> {
  requireStaff(scope);
  if (!isTestable(wish.kind))
    throw new HoldfastError(
      'conflict',
      'This cannot be tried on the past: what it looks at is not kept, or people decide.',
    );
  const rule: Rule = { ...wish, id: null, isEnabled: true, parameters: parseParameters(wish.kind, wish.parameters) };
  const nowMs = services.clock.nowMs();
  const stretch = { startMs: nowMs - DAYS * DAY_MS, endMs: nowMs };
  const { chosen, total, policies } = await withScope(services, scope, async (tx) => {
    const facts = await loadPolicyFacts(tx, scope.tenantId, nowMs);
    return { policies: facts, ...(await chooseDevices(tx, scope.tenantId, rule, facts)) };
  });
  const alerts: PastAlert[] = [];
  for (let at = 0; at < chosen.length; at += PAGE) {
    const pasts = await withScope(services, scope, (tx) =>
      loadPasts(
        tx,
        scope.tenantId,
        chosen.slice(at, at + PAGE),
        policies,
        new Date(stretch.startMs - BEFORE_DAYS * DAY_MS),
      ),
    );
    for (const past of pasts) alerts.push(...backTest(rule, past, stretch));
  }
  const names = new Map(chosen.map((device) => [device.id, device]));
  return summarise(alerts, names, { looked: chosen.length, total, ...stretch });
}

interface ChosenDevice {
  readonly id: string;
  readonly name: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly policyId: string;
  readonly os: string;
  readonly class: string | null;
  readonly hostname: string;
  readonly agentVersion: string;
  readonly tags: readonly string[];
  readonly custody: string | null;
  readonly enrolledAt: Date;
}

async function chooseDevices(
  tx: Tx,
  tenantId: string,
  rule: Rule,
  policies: ReadonlyMap<string, PolicyFacts>,
): Promise<{ chosen: ChosenDevice[]; total: number }> {
  const devices = await tx.$queryRaw<ChosenDevice[]>`
    SELECT d.id, d.name, d.customer_id AS "customerId", c.name AS "customerName", d.policy_id AS "policyId", d.os, d.class,
      d.hostname, d.agent_version AS "agentVersion", d.tags, v.custody, d.enrolled_at AS "enrolledAt"
    FROM device d JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    LEFT JOIN vault v ON v.tenant_id = d.tenant_id AND v.device_id = d.id
    WHERE d.tenant_id = ${tenantId}::uuid AND d.revoked_at IS NULL ORDER BY md5(d.id::text)`;
  const hit = devices.filter((device) => matchesFilter(rule.filter, subjectOf(device, policies.get(device.policyId)!)));
  return { chosen: hit.slice(0, DEVICES_MAX), total: hit.length };
}

function subjectOf(one: ChosenDevice, policy: PolicyFacts) {
  return {
    customerId: one.customerId,
    policyId: one.policyId,
    deviceClass: classOf(one.class, one.os, (policy.document.sources ?? []).length > 0),
    device: {
      name: one.name,
      host: one.hostname,
      customer: one.customerName,
      policy: policy.name,
      os: one.os,
      agent: one.agentVersion,
      tags: one.tags,
      custody: one.custody,
      targetMs: policy.rpoMs,
    },
  };
}

async function loadPasts(
  tx: Tx,
  tenantId: string,
  devices: readonly ChosenDevice[],
  policies: ReadonlyMap<string, PolicyFacts>,
  since: Date,
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
  return devices.map((device) => {
    const policy = policies.get(device.policyId)!;
    return {
      deviceId: device.id,
      deviceName: device.name,
      ...subjectOf(device, policy),
      enrolledMs: device.enrolledAt.getTime(),
      rpoMs: policy.rpoMs,
      longestPauseMs: policy.longestPauseMs,
      plans: plansOf(policy.document),
      sources: (sourcesOf.get(device.id) ?? []).map(({ id, createdAt }) => ({
        sourceId: id,
        addedMs: createdAt.getTime(),
        ...rows(id),
      })),
    };
  });
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

function summarise(
  alerts: readonly PastAlert[],
  names: ReadonlyMap<string, ChosenDevice>,
  of: { readonly looked: number; readonly total: number; readonly startMs: number; readonly endMs: number },
): BackTestView {
  const lengthOf = ({ openedMs, resolvedMs }: PastAlert): number => (resolvedMs ?? of.endMs) - openedMs;
  const lengths = alerts.map(lengthOf);
  const byDevice = Map.groupBy(alerts, ({ deviceId }) => deviceId);
  const perDay = Array.from({ length: DAYS }, () => 0);
  for (const { openedMs } of alerts) {
    const day = Math.min(DAYS - 1, Math.floor((openedMs - of.startMs) / DAY_MS));
    perDay[day] = (perDay[day] ?? 0) + 1;
  }
  return {
    days: DAYS,
    devicesLooked: of.looked,
    devicesTotal: of.total,
    alerts: alerts.length,
    devicesHit: byDevice.size,
    customersHit: new Set([...byDevice.keys()].map((id) => names.get(id)!.customerId)).size,
    noisy: alerts.filter((one) => isNoise({ ...one, acknowledgedMs: null, isSelfResolved: true })).length,
    stillOpen: alerts.filter(({ resolvedMs }) => resolvedMs === null).length,
    medianMs: lengths.length === 0 ? null : medianOf(lengths),
    longestMs: lengths.length === 0 ? null : Math.max(...lengths),
    worst: [...byDevice]
      .map(([deviceId, own]) => ({
        deviceId,
        deviceName: names.get(deviceId)!.name,
        customerName: names.get(deviceId)!.customerName,
        alerts: own.length,
        totalMs: own.reduce((sum, one) => sum + lengthOf(one), 0),
      }))
      .sort((a, b) => b.alerts - a.alerts || b.totalMs - a.totalMs)
      .slice(0, WORST_SHOWN),
    perDay,
  };
}
