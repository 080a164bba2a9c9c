import { z } from 'zod';
import { drillCheck, levelReached } from '../../core/domain/drill-checks.ts';
import type { CoverageState } from '../../core/domain/drill-coverage.ts';
import { elapsedRtoMs, RTO_PARTS } from '../../core/domain/rto-parts.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { answersFailure, failedLevels, loadCoverage, type SourceCoverage } from './load-coverage.ts';

export const PROOF_ROWS = 20;
const FOUND_MAX = 20;
const MONTHS_MAX = 24;

/** The newest test that worked, of one source. */
export interface SourceProof {
  readonly drillId: string;
  readonly level: number;
  readonly endedMs: number;
  /** How old the data was that came back. */
  readonly captureMs: number;
  readonly files: number;
  readonly bytes: number;
  /** From the wish to the end, of what was tested; null when it was not measured. */
  readonly tookMs: number | null;
  /** Of everything: measured by a full test, or estimated from a sample. */
  readonly wholeMs: number | null;
  readonly isEstimated: boolean;
}

export interface ProofSource {
  readonly sourceId: string;
  readonly sourceName: string;
  readonly deviceId: string;
  readonly deviceName: string;
  /** The worst of what is asked for. Undefined: nothing is asked. */
  readonly state: CoverageState | undefined;
  readonly rtoTargetMs: number;
  readonly proof: SourceProof | null;
}

/** One test that has ended. */
export interface ProofTest {
  readonly drillId: string;
  readonly deviceName: string;
  /** Of one that passed, the level that it has really reached; of another, what was asked for. */
  readonly level: number;
  readonly state: 'passed' | 'failed' | 'void';
  readonly runner: 'service' | 'agent' | 'kit';
  readonly endedMs: number;
  readonly captureMs: number;
  readonly filesMatched: number;
  readonly filesPlanned: number;
  readonly bytes: number;
  readonly tookMs: number | null;
}

/** Something that a test or a check found, and what became of it. */
export interface ProofFinding {
  readonly id: string;
  readonly kind: 'drill' | 'damage';
  readonly deviceName: string;
  readonly foundMs: number;
  readonly what: string | null;
  /** When it was well again; null: it is not yet, or never will be. */
  readonly mendedMs: number | null;
  readonly isLost: boolean;
  readonly remedy: string | null;
  /** Of what is lost: who accepted that, and why; null: nobody yet. */
  readonly accepted: { readonly byName: string | null; readonly atMs: number; readonly reason: string } | null;
  /** Signed records of it can be taken away. */
  readonly hasEvidence: boolean;
}

export interface ProofView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly sources: readonly ProofSource[];
  readonly tests: { readonly rows: readonly ProofTest[]; readonly total: number };
  readonly findings: readonly ProofFinding[];
  /** Months with signed evidence, the newest first. */
  readonly months: readonly { readonly month: string; readonly records: number }[];
}

/** What a customer is shown of the tests of their backups. @throws HoldfastError not_found, for a foreign one as for none. */
export async function viewProof(
  services: Services,
  scope: Scope,
  customerId: string,
  page: number,
): Promise<ProofView> {
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId: scope.tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const coverage = await loadCoverage(tx, scope, nowMs, { customerId });
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      sources: await loadSources(tx, scope, coverage),
      tests: await loadTests(tx, scope, customerId, page),
      findings: await loadFindings(tx, scope, customerId),
      months: await loadMonths(tx, scope, customerId, customer.timezone),
    };
  });
}

const timingsOf = z.partialRecord(z.enum([...RTO_PARTS, 'total']), z.number()).catch({});

function tookMs(timings: unknown): number | null {
  return elapsedRtoMs(timingsOf.parse(timings)) ?? null;
}

async function loadSources(tx: Tx, scope: Scope, coverage: readonly SourceCoverage[]): Promise<ProofSource[]> {
  const newestOf = (source: SourceCoverage) => source.cells.find(({ passed }) => passed !== null)?.passed ?? null;
  const drills = await tx.drill.findMany({
    where: { tenantId: scope.tenantId, id: { in: coverage.flatMap((source) => newestOf(source)?.drillId ?? []) } },
    select: {
      ...{
        id: true,
        level: true,
        scope: true,
        filesMatched: true,
        bytesDone: true,
        timings: true,
        rtoEstimatedMs: true,
      },
      restorePoint: { select: { captureAt: true } },
    },
  });
  const byId = new Map(drills.map((drill) => [drill.id, drill]));
  return coverage.map((source) => {
    const pass = newestOf(source);
    const drill = pass === null ? undefined : byId.get(pass.drillId);
    const { sourceId, sourceName, deviceId, deviceName, rtoTargetMs } = source;
    const place = { sourceId, sourceName, deviceId, deviceName, rtoTargetMs, state: source.worst };
    if (pass === null || drill === undefined) return { ...place, proof: null };
    const took = tookMs(drill.timings);
    const isFull = drill.scope === 'full';
    return {
      ...place,
      proof: {
        drillId: drill.id,
        // The deepest level that this very drill has reached.
        level: Math.max(...source.cells.flatMap(({ passed, level }) => (passed?.drillId === drill.id ? level : []))),
        endedMs: pass.endedMs,
        captureMs: drill.restorePoint.captureAt.getTime(),
        files: drill.filesMatched,
        bytes: Number(drill.bytesDone),
        tookMs: took,
        wholeMs: isFull ? took : drill.rtoEstimatedMs === null ? null : Number(drill.rtoEstimatedMs),
        isEstimated: !isFull,
      },
    };
  });
}

async function loadTests(tx: Tx, scope: Scope, customerId: string, page: number): Promise<ProofView['tests']> {
  const where = { tenantId: scope.tenantId, customerId, state: { in: ['passed', 'failed', 'void'] } };
  const rows = await tx.drill.findMany({
    where,
    orderBy: { createdAt: 'desc' },
    skip: (page - 1) * PROOF_ROWS,
    take: PROOF_ROWS,
    select: {
      ...{ id: true, level: true, state: true, runner: true, createdAt: true, finishedAt: true, timings: true },
      ...{ filesMatched: true, filesPlanned: true, bytesDone: true, checks: true },
      device: { select: { name: true } },
      restorePoint: { select: { captureAt: true } },
    },
  });
  return {
    total: await tx.drill.count({ where }),
    rows: rows.map((row) => ({
      drillId: row.id,
      deviceName: row.device.name,
      level: row.state === 'passed' ? reachedOf(row) : row.level,
      // Held by CHECK constraints of the database.
      state: row.state as ProofTest['state'],
      runner: row.runner as ProofTest['runner'],
      endedMs: (row.finishedAt ?? row.createdAt).getTime(),
      captureMs: row.restorePoint.captureAt.getTime(),
      filesMatched: row.filesMatched,
      filesPlanned: row.filesPlanned,
      bytes: Number(row.bytesDone),
      tookMs: tookMs(row.timings),
    })),
  };
}

function reachedOf({ level, checks }: { readonly level: number; readonly checks: unknown }): number {
  const looks = z.array(drillCheck).catch([]).parse(checks);
  return looks.length === 0 ? level : levelReached(looks);
}

async function loadFindings(tx: Tx, scope: Scope, customerId: string): Promise<ProofFinding[]> {
  const { tenantId } = scope;
  const failed = await tx.$queryRaw<
    { id: string; name: string; found_at: Date; what: string | null; remedy: string | null; mended_at: Date | null }[]
  >`
    SELECT x.id, v.name, coalesce(x.finished_at, x.created_at) AS found_at, x.error_message AS what, x.remediation AS remedy,
      (SELECT min(y.finished_at) FROM drill y WHERE ${answersFailure}) AS mended_at
    FROM drill x JOIN device v ON v.tenant_id = x.tenant_id AND v.id = x.device_id
    CROSS JOIN LATERAL ${failedLevels} k
    WHERE x.tenant_id = ${tenantId}::uuid AND x.customer_id = ${customerId}::uuid AND x.state = 'failed'
    ORDER BY x.created_at DESC LIMIT ${FOUND_MAX}`;
  const damages = await tx.damage.findMany({
    where: { tenantId, customerId },
    orderBy: { foundAt: 'desc' },
    take: FOUND_MAX,
    select: {
      ...{ id: true, state: true, foundAt: true, endedAt: true, acceptedAt: true, acceptReason: true },
      device: { select: { name: true } },
      accepter: { select: { name: true } },
      _count: { select: { evidence: true } },
    },
  });
  return [
    ...failed.map((one) => ({
      id: one.id,
      kind: 'drill' as const,
      deviceName: one.name,
      foundMs: one.found_at.getTime(),
      what: one.what,
      mendedMs: one.mended_at?.getTime() ?? null,
      isLost: false,
      remedy: one.remedy,
      accepted: null,
      hasEvidence: false,
    })),
    ...damages.map((one) => ({
      id: one.id,
      kind: 'damage' as const,
      deviceName: one.device.name,
      foundMs: one.foundAt.getTime(),
      what: null,
      mendedMs: one.state === 'repaired' ? (one.endedAt?.getTime() ?? null) : null,
      isLost: one.state === 'lost',
      remedy: null,
      accepted:
        one.acceptedAt === null
          ? null
          : { byName: one.accepter?.name ?? null, atMs: one.acceptedAt.getTime(), reason: one.acceptReason ?? '' },
      hasEvidence: one._count.evidence > 0,
    })),
  ]
    .sort((a, b) => b.foundMs - a.foundMs)
    .slice(0, FOUND_MAX);
}

async function loadMonths(tx: Tx, scope: Scope, customerId: string, timeZone: string): Promise<ProofView['months']> {
  return await tx.$queryRaw<{ month: string; records: number }[]>`
    SELECT to_char(at AT TIME ZONE ${timeZone}, 'YYYY-MM') AS month, count(*)::int AS records FROM evidence_record
    WHERE tenant_id = ${scope.tenantId}::uuid AND customer_id = ${customerId}::uuid
    GROUP BY 1 ORDER BY 1 DESC LIMIT ${MONTHS_MAX}`;
}
