/**
 * Orders the checks that are owed and repairs what lost its job: nothing waits for a worker that will never come. Both
 * converge: an order that stands already is not given twice.
 */
import { duePlans, plansOf } from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { loadDrillFacts } from '../drills/drill-facts.ts';
import { orderRepairs } from '../damage/order-repairs.ts';
import { queueDueDrill, reachablePlans } from '../drills/queue-drill.ts';
import { expireAgentDrills } from '../drills/expire-agent-drills.ts';
import { voidDrill } from '../drills/void-drill.ts';
import { failDownload } from '../downloads/fail-download.ts';
import { failListing } from '../listings/fail-listing.ts';
import type { SweptSource } from '../schedule/swept-sources.ts';
import type { Services } from '../services.ts';
import { orderRolling } from './order-rolling.ts';
import { queueVerification } from './queue-verification.ts';
import { voidVerification } from './void-verification.ts';

/** A row younger than this may belong to a transaction whose intent is on its way. */
const LOST_AFTER_MS = 2 * 60_000;
/** After a void verification, or a seal that was given up, before the next try. */
const RETRY_AFTER_MS = 15 * 60_000;
const LOST_MESSAGE =
  'The check could not be finished, for a reason that lies in the service and not in the data. It is tried again by itself.';

export async function sweepChecks(services: Services, claim: Claim, sources: readonly SweptSource[]): Promise<void> {
  await repairLost(services, claim);
  await expireAgentDrills(services, claim.scope);
  await orderSeals(services, claim);
  await orderVerifications(services, claim);
  await orderRolling(services, claim);
  await orderRepairs(services, claim);
  await orderDrills(services, claim, sources);
}

interface LostRow {
  readonly kind: 'verification' | 'drill' | 'listing' | 'download';
  readonly id: string;
}

/** Work that waits or runs, and whose intent is done, dead or gone. */
async function repairLost(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const before = new Date(services.clock.nowMs() - LOST_AFTER_MS);
  const lost = await withScope(
    services,
    claim.scope,
    (tx) => tx.$queryRaw<LostRow[]>`
      SELECT w.kind, w.id FROM (
        SELECT 'verification' AS kind, id, created_at FROM verification WHERE tenant_id = ${tenantId}::uuid AND state IN ('queued', 'running')
        UNION ALL
        SELECT 'drill', id, created_at FROM drill WHERE tenant_id = ${tenantId}::uuid AND state IN ('queued', 'running') AND runner = 'service'
        UNION ALL
        SELECT 'listing', id, created_at FROM folder_listing WHERE tenant_id = ${tenantId}::uuid AND state = 'queued'
        UNION ALL
        SELECT 'download', id, created_at FROM download WHERE tenant_id = ${tenantId}::uuid AND state IN ('queued', 'running')
      ) w
      WHERE w.created_at < ${before} AND NOT EXISTS (SELECT 1 FROM job_intent i WHERE i.tenant_id = ${tenantId}::uuid
        AND i.dedupe_key = w.id::text AND i.state IN ('waiting', 'dispatched', 'running'))`,
  );
  for (const { kind, id } of lost) {
    if (kind === 'verification') await voidVerification(services, claim.scope, id, LOST_MESSAGE);
    else if (kind === 'drill') await voidDrill(services, claim.scope, id, LOST_MESSAGE);
    else if (kind === 'listing')
      await failListing(services, claim.scope, id, 'The folder could not be read. Try again.');
    else await failDownload(services, claim.scope, id, 'The download could not be prepared. Try again.');
  }
}

/** A committed run whose seal was given up (the store was away for long, say) is tried again. */
async function orderSeals(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.$executeRaw`
      INSERT INTO job_intent (tenant_id, id, customer_id, kind, queue, dedupe_key, payload, priority, state, run_after)
      SELECT r.tenant_id, gen_random_uuid(), r.customer_id, 'seal', 'seal', r.id::text,
        jsonb_build_object('runId', r.id), 1, 'waiting', now()
      FROM backup_run r
      WHERE r.tenant_id = ${tenantId}::uuid AND r.state = 'committed' AND r.committed_at < ${new Date(nowMs - LOST_AFTER_MS)}
        AND NOT EXISTS (SELECT 1 FROM job_intent i WHERE i.tenant_id = r.tenant_id AND i.kind = 'seal'
          AND i.dedupe_key = r.id::text
          AND (i.state IN ('waiting', 'dispatched', 'running') OR i.finished_at > ${new Date(nowMs - RETRY_AFTER_MS)}))
      ON CONFLICT DO NOTHING`;
  });
}

interface OwedPoint {
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
}

/** The newest point of a source that was never verified, and whose verification neither waits nor was just given up. */
async function orderVerifications(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const owed = await withScope(
    services,
    claim.scope,
    (tx) => tx.$queryRaw<OwedPoint[]>`
      SELECT p.id, p.customer_id AS "customerId", p.device_id AS "deviceId", p.vault_id AS "vaultId" FROM (
        SELECT DISTINCT ON (source_id) * FROM restore_point
        WHERE tenant_id = ${tenantId}::uuid AND state = 'sealed' ORDER BY source_id, capture_at DESC) p
      WHERE p.level_passed IS NULL AND p.sealed_at < ${new Date(nowMs - LOST_AFTER_MS)}
        AND NOT EXISTS (SELECT 1 FROM verification v WHERE v.tenant_id = p.tenant_id AND v.restore_point_id = p.id
          AND (v.state IN ('queued', 'running', 'failed') OR v.created_at > ${new Date(nowMs - RETRY_AFTER_MS)}))`,
  );
  for (const point of owed)
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      const verificationId = await queueVerification(services, change, { tenantId, ...point }, { readsAll: false });
      await change.audit('verification.requested', { kind: 'restore_point', id: point.id }, { verificationId });
    });
}

interface PointedSource {
  readonly sourceId: string;
  readonly deviceId: string;
  readonly levelPassed: number;
  readonly document: unknown;
  readonly timeZone: string;
  readonly custody: string;
}

/**
 * Sources of which a plan may want a drill: the newest usable point was verified and has not the level of the deepest plan
 * yet, or a plan tests older points. Whether one is owed is decided in core/domain/drill-plans.ts.
 */
async function orderDrills(services: Services, claim: Claim, sources: readonly SweptSource[]): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const active = sources.map(({ sourceId }) => sourceId);
  if (active.length === 0) return;
  const owing = await withScope(services, claim.scope, async (tx) => {
    const pointed = await tx.$queryRaw<PointedSource[]>`
      SELECT p.source_id AS "sourceId", p.device_id AS "deviceId", p.level_passed AS "levelPassed", o.document,
        c.timezone AS "timeZone", v.custody FROM (
        SELECT DISTINCT ON (source_id) source_id, device_id, vault_id, tenant_id, level_passed FROM restore_point
        WHERE tenant_id = ${tenantId}::uuid AND source_id = ANY (${active}::uuid[]) AND state = 'sealed' AND is_usable
        ORDER BY source_id, capture_at DESC) p
      JOIN vault v ON v.tenant_id = p.tenant_id AND v.id = p.vault_id 
        AND (v.drill_password_sealed IS NOT NULL OR v.custody = 'customer_held')
      JOIN device d ON d.tenant_id = p.tenant_id AND d.id = p.device_id
      JOIN customer c ON c.tenant_id = p.tenant_id AND c.id = d.customer_id
      JOIN policy o ON o.tenant_id = p.tenant_id AND o.id = d.policy_id
      WHERE p.level_passed IS NOT NULL`;
    const candidates = pointed
      .map((one) => ({ ...one, plans: reachablePlans(plansOf(policyDocument.parse(one.document)), one.custody) }))
      .filter(({ plans, levelPassed }) => plans.some(({ level, point }) => point !== 'latest' || level > levelPassed));
    if (candidates.length === 0) return [];
    const facts = await loadDrillFacts(tx, tenantId, candidates);
    return candidates.filter(
      ({ sourceId, plans, timeZone }) => duePlans(plans, facts.get(sourceId) ?? [], timeZone, nowMs).length > 0,
    );
  });
  for (const { sourceId } of owing) await orderDrill(services, claim, { tenantId, sourceId });
}

async function orderDrill(
  services: Services,
  claim: Claim,
  source: { readonly tenantId: string; readonly sourceId: string },
): Promise<void> {
  class NotOwed extends Error {}
  try {
    await applyChange(services, claim.scope, async (change: Change) => {
      await claim.guard(change.tx);
      const drillId = await queueDueDrill(services, change, source, 'schedule');
      if (drillId === undefined) throw new NotOwed(); // nothing to audit
      await change.audit('drill.requested', { kind: 'drill', id: drillId }, { sourceId: source.sourceId });
    });
  } catch (error) {
    if (!(error instanceof NotOwed)) throw error;
  }
}
