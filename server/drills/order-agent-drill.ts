import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../core/base/ids.ts';
import { planDrill } from '../../core/domain/drills.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import { COMMAND_SINCE, knowsCommand } from '../../core/protocol/command-versions.ts';
import { witnessFile } from '../../core/protocol/manifest.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import type { DrillPoint, DrillWish } from './queue-drill.ts';

/** What is restored outside of the service is a sample, which is compared. */
type OutsideWish = Pick<DrillWish, 'trigger' | 'requestedBy' | 'pointChoice'>;

/** A machine that does not answer for so long is asked anew, with another sample. */
export const AGENT_DRILL_MS = 24 * 3600_000;

/**
 * Has the machine that alone holds the keys restore a sample, drawn here and now. It gets paths and a permission to read, not
 * the hashes. @returns the drill's id. @throws HoldfastError bad_request where there is nothing to compare with, or the agent is
 * too old to know what is asked.
 */
export async function orderAgentDrill(
  services: Services,
  change: Change,
  point: DrillPoint,
  wish: OutsideWish,
): Promise<string> {
  const { tx } = change;
  const { tenantId, customerId, deviceId } = point;
  const { requestedBy } = wish;
  const device = await tx.device.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: deviceId } },
    select: { agentVersion: true },
  });
  const tooOld = agentTooOld(device.agentVersion);
  if (tooOld !== null)
    throw new HoldfastError(
      'bad_request',
      `Only the customer has the keys, so the machine has to make this test, and its agent (${tooOld.has}) cannot: that needs version ${tooOld.needed} or newer. Update the agent on the machine.`,
    );
  const { id, snapshotId, paths } = await createOutsideDrill(services, change, point, 'agent', wish);
  const owner = { tenantId, customerId, deviceId };
  const grantId = newId(services.clock);
  await tx.restoreGrant.create({
    data: {
      ...owner,
      id: grantId,
      vaultId: point.vaultId,
      restorePointId: point.id,
      grantedBy: requestedBy,
      expiresAt: new Date(services.clock.nowMs() + AGENT_DRILL_MS),
    },
  });
  const commandId = newId(services.clock);
  await tx.agentCommand.create({
    data: {
      ...owner,
      id: commandId,
      kind: 'drill',
      payload: { drillId: id, grantId, snapshotId, paths },
      state: 'pending',
      createdBy: requestedBy,
    },
  });
  return id;
}

/** Null: the agent can make restore tests. Else which version it is, and which one can. */
export function agentTooOld(agentVersion: string): { readonly has: string; readonly needed: string } | null {
  const needed = COMMAND_SINCE.drill;
  return needed === null || knowsCommand('drill', agentVersion) ? null : { has: agentVersion, needed };
}

/** The row of a drill that is made outside of the service. */
export async function createOutsideDrill(
  services: Services,
  { tx }: Pick<Change, 'tx'>,
  point: DrillPoint,
  runner: 'agent' | 'kit',
  { trigger, requestedBy, pointChoice }: OutsideWish,
): Promise<{ readonly id: string; readonly snapshotId: string; readonly paths: string[] }> {
  const { tenantId, customerId, deviceId, sourceId, vaultId } = point;
  const full = await tx.restorePoint.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: point.id } },
    select: { snapshotId: true, witness: true, device: { select: { policy: { select: { document: true } } } } },
  });
  const { drill } = policyDocument.parse(full.device.policy.document);
  const seed = randomBytes(16).toString('hex');
  const plan = planDrill(z.array(witnessFile).parse(full.witness), { seed, sampleFiles: drill.sampleFiles });
  if (plan.files.length === 0)
    throw new HoldfastError(
      'bad_request',
      'The machine sent nothing to compare with, so this restore point cannot be tested.',
    );
  const id = newId(services.clock);
  await tx.drill.create({
    data: {
      tenantId,
      id,
      customerId,
      deviceId,
      sourceId,
      vaultId,
      restorePointId: point.id,
      level: PROOF_LEVEL,
      trigger,
      pointChoice,
      state: 'queued',
      runner,
      seed,
      filesPlanned: plan.files.length,
      bytesPlanned: BigInt(plan.bytes),
      // What is compared with is settled now, and never leaves the service before the answer is here.
      evidence: {
        selection: {
          seed,
          files: plan.files.map(({ path, size, sha256, role }) => ({ path, size, sha256, role })),
          leftOutBySize: plan.leftOut,
        },
      },
      requestedBy,
      createdAt: new Date(services.clock.nowMs()),
    },
  });
  return { id, snapshotId: full.snapshotId, paths: plan.files.map(({ path }) => path) };
}
