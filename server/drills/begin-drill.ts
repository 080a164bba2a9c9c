import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { type DrillPlan, planDrill } from '../../core/domain/drills.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { witnessFile } from '../../core/protocol/manifest.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openDrillPassword } from '../vaults/open-drill-password.ts';

export interface DrillWork {
  readonly id: string;
  readonly tenantId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly sourceId: string;
  readonly restorePointId: string;
  readonly snapshotId: string;
  readonly treeId: string;
  readonly captureMs: number;
  readonly sealedMs: number;
  readonly vaultPrefix: string;
  readonly password: string;
  readonly seed: string;
  readonly level: number;
  readonly trigger: string;
  readonly timeZone: string;
  readonly rtoMinutes: number;
  readonly plan: DrillPlan;
  readonly createdMs: number;
  readonly startedMs: number;
}

/**
 * Marks the drill as running and plans it. Undefined: it has ended already. An interrupted drill begins anew.
 * @throws HoldfastError vault_quarantined, bad_request: the point cannot be drilled (any more); the drill is then void.
 */
export async function beginDrill(services: Services, claim: Claim, drillId: string): Promise<DrillWork | undefined> {
  const { scope } = claim;
  return await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const drill = await tx.drill.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      include: { restorePoint: true, vault: true, device: { include: { policy: true, customer: true } } },
    });
    if (drill === null || (drill.state !== 'queued' && drill.state !== 'running')) return undefined;
    const { restorePoint: point, vault, device } = drill;
    if (point.state !== 'sealed')
      throw new HoldfastError('vault_quarantined', 'The restore point was locked away before it could be tested.');
    const policy = policyDocument.parse(device.policy.document);
    const password = await openDrillPassword(services, tx, vault);
    const plan = planDrill(z.array(witnessFile).parse(point.witness), {
      seed: drill.seed,
      sampleFiles: policy.drill.sampleFiles,
    });
    const startedAt = new Date(services.clock.nowMs());
    await tx.drill.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      data: {
        state: 'running',
        startedAt,
        filesPlanned: plan.files.length,
        bytesPlanned: BigInt(plan.bytes),
        filesDone: 0,
        filesMatched: 0,
        bytesDone: 0n,
        mismatches: [],
        steps: [],
      },
    });
    return {
      id: drillId,
      tenantId: scope.tenantId,
      customerId: drill.customerId,
      deviceId: drill.deviceId,
      sourceId: drill.sourceId,
      restorePointId: point.id,
      snapshotId: point.snapshotId,
      treeId: point.treeId,
      captureMs: point.captureAt.getTime(),
      sealedMs: point.sealedAt.getTime(),
      vaultPrefix: vault.prefix,
      password,
      seed: drill.seed,
      level: drill.level,
      trigger: drill.trigger,
      timeZone: device.customer.timezone,
      rtoMinutes: policy.rtoMinutes,
      plan,
      createdMs: drill.createdAt.getTime(),
      startedMs: startedAt.getTime(),
    };
  });
}
