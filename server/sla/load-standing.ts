/** What is true of a customer now and cannot be read from the rows of the past: core/domain/sla/standing.ts. */
import { addSums, coverage, NOTHING_STORED } from '../../core/domain/integrity.ts';
import { type ContractVersion, versionAt } from '../../core/domain/sla/contract.ts';
import { deleteProofHorizonMs, deviceCoverage, retentionAttainment } from '../../core/domain/sla/copies.ts';
import { coverageFigures } from '../../core/domain/sla/data-coverage.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import { lamps } from '../../core/domain/sla/lamps.ts';
import { readiness } from '../../core/domain/sla/readiness.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { evidenceCompleteness, type EvidencePresence } from '../../core/domain/sla/own-service.ts';
import type { Tx } from '../db/client.ts';
import { loadCoverage } from '../integrity/load-coverage.ts';
import { loadCoverageFacts } from '../inventory/load-coverage-facts.ts';
import type { Services } from '../services.ts';
import { loadServiceFigures } from './load-service-figures.ts';
import type { MonthPlace } from './roll-up.ts';

/** Adding up what is stored reads the whole ledger of a customer: a few times a day is enough. */
export const STANDING_EVERY_MS = 6 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

interface DeviceRow {
  readonly captureMs: number | null;
  readonly provenMs: number | null;
  readonly drilledMs: number | null;
  readonly policy: unknown;
}

export async function loadStanding(
  services: Pick<Services, 'env'>,
  tx: Tx,
  place: MonthPlace,
  given: {
    readonly versions: readonly ContractVersion[];
    readonly figures: CustomerFigures;
    readonly nowMs: number;
  },
): Promise<Standing> {
  const { tenantId, customerId } = place;
  const { figures, nowMs } = given;
  const terms = versionAt(given.versions, nowMs)?.terms;
  const devices = await selectDevices(tx, tenantId, customerId);
  const ages = devices.map(({ captureMs, policy }) => ({
    ageMs: captureMs === null ? null : nowMs - captureMs,
    rpoMs: policyDocument.parse(policy).rpoMinutes * 60_000,
  }));
  const covered = deviceCoverage(ages, null);
  const integrity = await loadIntegrity(tx, place, terms?.tiers.map((tier) => tier.integrityDays) ?? [], nowMs);
  const days = terms === undefined ? null : Math.max(...terms.tiers.map(({ retentionDays }) => retentionDays));
  const points = await selectPoints(tx, tenantId, customerId, new Date(nowMs - (days ?? 1) * DAY_MS));
  const horizonMs = deleteProofHorizonMs(points, days ?? 1, nowMs);
  const openDamages = await tx.damage.count({
    where: { tenantId, customerId, endedAt: null, device: { revokedAt: null } },
  });
  const isStored = integrity.storedBytes > 0;
  const lit = lamps({
    // All vaults lie in one store: whoever can destroy it destroys all of them.
    copies: isStored
      ? [{ failureDomain: services.env.HOLDFAST_STORE, isOffsite: services.env.HOLDFAST_STORE === 'gcs', lagMs: 0 }]
      : [],
    rpoMs: Math.max(0, ...ages.map(({ rpoMs }) => rpoMs)),
    deleteProofMs: horizonMs,
    requiredDays: days ?? 1,
    // Nothing tries yet whether the store refuses to delete.
    probedMs: null,
    integrityShare: integrity.share,
    openDamages,
    sourcesNotDrilled: figures.drilled.of - figures.drilled.met,
    nowMs,
  });
  const oldest = (values: readonly (number | null)[]): number | null =>
    values.length === 0 || values.includes(null) ? null : Math.max(...values.map((value) => nowMs - value!));
  return {
    atMs: nowMs,
    readiness: readiness({
      rpo: figures.attainment,
      drills: figures.drilled.share,
      integrity: integrity.share,
      // The packs of vaults are not locked, and whether a bucket's own rule locks them is not known here.
      immutability: null,
      // Without an inventory nobody knows which machines are missing.
      coverage: covered.isMeasured ? covered.share : null,
    }),
    lamps: lit,
    coverage: covered,
    held: coverageFigures(await loadCoverageFacts(tx, { tenantId, customerId }, nowMs)),
    integrity,
    retention: { ...retentionAttainment(points, days ?? 1, nowMs), horizonMs },
    verifiedAgeMs: oldest(devices.map(({ provenMs }) => provenMs)),
    proofAgeMs: oldest(devices.map(({ drilledMs }) => drilledMs)),
    evidence: await loadEvidence(tx, place),
    service: await loadServiceFigures(tx, place, given.versions, nowMs),
  };
}

/** Every device in service, with the newest of its usable points, of its proven ones and of its passed drills. */
async function selectDevices(tx: Tx, tenantId: string, customerId: string): Promise<DeviceRow[]> {
  return await tx.$queryRaw<DeviceRow[]>`
    SELECT p.capture_ms AS "captureMs", p.proven_ms AS "provenMs", r.drilled_ms AS "drilledMs", o.document AS policy
    FROM device d JOIN policy o ON o.tenant_id = d.tenant_id AND o.id = d.policy_id
    LEFT JOIN LATERAL (SELECT max(epoch_ms(n.capture_at)) AS capture_ms, max(epoch_ms(v.capture_at)) AS proven_ms
      FROM source s
      LEFT JOIN LATERAL (SELECT capture_at FROM restore_point p WHERE p.tenant_id = s.tenant_id AND p.source_id = s.id
        AND p.state = 'sealed' AND p.is_usable ORDER BY capture_at DESC LIMIT 1) n ON true
      LEFT JOIN LATERAL (SELECT capture_at FROM restore_point p WHERE p.tenant_id = s.tenant_id AND p.source_id = s.id
        AND p.state = 'sealed' AND p.level_passed >= 3 ORDER BY capture_at DESC LIMIT 1) v ON true
      WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id) p ON true
    LEFT JOIN LATERAL (SELECT epoch_ms(x.finished_at) AS drilled_ms FROM drill x WHERE x.tenant_id = d.tenant_id
      AND x.device_id = d.id AND x.state = 'passed' AND x.runner <> 'kit' ORDER BY x.created_at DESC LIMIT 1) r ON true
    WHERE d.tenant_id = ${tenantId}::uuid AND d.customer_id = ${customerId}::uuid AND d.revoked_at IS NULL`;
}

async function loadIntegrity(
  tx: Tx,
  { tenantId, customerId }: MonthPlace,
  asked: readonly number[],
  nowMs: number,
): Promise<Standing['integrity']> {
  const vaults = await loadCoverage(tx, { tenantId, customerId }, nowMs);
  const sums = vaults.reduce((all, { levels }) => addSums(all, levels[1]), NOTHING_STORED);
  const oldestMs = sums.oldestMs === undefined ? null : nowMs - sums.oldestMs;
  return {
    storedBytes: sums.storedBytes,
    verifiedBytes: sums.verifiedBytes,
    share: coverage(sums) ?? null,
    oldestMs,
    isInTime: asked.length === 0 || oldestMs === null ? null : oldestMs <= Math.min(...asked) * DAY_MS,
  };
}

async function selectPoints(tx: Tx, tenantId: string, customerId: string, from: Date) {
  const rows = await tx.$queryRaw<{ captureMs: number; isKept: boolean }[]>`
    SELECT epoch_ms(p.capture_at) AS "captureMs", p.state = 'sealed' AS "isKept" FROM restore_point p
    JOIN device d ON d.tenant_id = p.tenant_id AND d.id = p.device_id AND d.revoked_at IS NULL
    WHERE p.tenant_id = ${tenantId}::uuid AND p.customer_id = ${customerId}::uuid AND p.capture_at >= ${from}`;
  // Vaults have no retention of their own in the store (docs/metrics.md, 13).
  return rows.map((row) => ({ ...row, lockedUntilMs: null }));
}

/** The records of the month's drills. What signs and chains them refuses a record without its fields; people come later. */
async function loadEvidence(tx: Tx, { tenantId, customerId, whole }: MonthPlace) {
  const rows = await tx.$queryRaw<
    { isFailed: boolean; hasRecord: boolean; isAnchored: boolean; isApproved: boolean; isRemedied: boolean }[]
  >`
    SELECT d.state = 'failed' AS "isFailed", r.id IS NOT NULL AS "hasRecord", d.approved_at IS NOT NULL AS "isApproved",
      d.remediated_at IS NOT NULL AS "isRemedied", EXISTS (SELECT FROM evidence_anchor a WHERE a.tenant_id = d.tenant_id
        AND a.customer_id = d.customer_id AND a.sequence >= r.sequence) AS "isAnchored"
    FROM drill d LEFT JOIN LATERAL (SELECT e.id, e.sequence FROM evidence_record e WHERE e.tenant_id = d.tenant_id
      AND e.drill_id = d.id AND e.kind = 'drill' LIMIT 1) r ON true
    WHERE d.tenant_id = ${tenantId}::uuid AND d.customer_id = ${customerId}::uuid AND d.state IN ('passed', 'failed')
      AND d.finished_at >= ${new Date(whole.startMs)} AND d.finished_at < ${new Date(whole.endMs)}`;
  const records = rows.map(
    ({ isFailed, hasRecord, isAnchored, isApproved, isRemedied }): EvidencePresence => ({
      date: hasRecord,
      systems: hasRecord,
      scope: hasRecord,
      point: hasRecord,
      rpo: hasRecord,
      rtoParts: hasRecord,
      level: hasRecord,
      checks: hasRecord,
      result: hasRecord,
      performer: hasRecord,
      approver: isApproved,
      remediation: isFailed ? isRemedied : 'not_needed',
      hash: hasRecord,
      signature: hasRecord,
      anchor: isAnchored,
    }),
  );
  const { met, of, share } = evidenceCompleteness(records);
  return { met, of, share };
}
