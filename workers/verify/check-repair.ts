/**
 * The second check of a repair. What the machine sent is read and hashed as all new data is; where the service has the key,
 * a confined child reads every blob that the damaged packs held from elsewhere and walks the snapshots that were locked away.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { evidenceKey, retireIndexes } from '../../server/damage/retire-indexes.ts';
import {
  finishRepair,
  isRepairProven,
  loadRepair,
  type RepairProof,
  type RepairWork,
} from '../../server/damage/finish-repair.ts';
import type { VerificationWork } from '../../server/verification/begin-verification.ts';
import { finishVerification } from '../../server/verification/finish-verification.ts';
import type { JobContext } from '../job-context.ts';
import { proveResult } from '../sandbox/messages.ts';
import { hashObjects } from './hash-objects.ts';
import { inSandbox, UnopenedError } from './sandbox-work.ts';
import { traceImpact } from './trace-damage.ts';

const WALL_CLOCK_MS = 3600_000;

export async function checkRepair(context: JobContext, work: VerificationWork, store: ReadStore): Promise<void> {
  const { services, claim } = context;
  const findings = await hashObjects(context, work, store);
  // What was sent just now is damaged as well: a damage of its own, and this repair is ordered again.
  if (findings.length > 0) return await finishVerification(services, claim, work, findings);
  const repair = await loadRepair(services, claim, work);
  if (repair === undefined) return await finishVerification(services, claim, work, []);
  const proof = work.password === undefined ? machineProof(repair) : await prove(context, work, store, repair);
  const retired = repair.replaced.filter(({ from }) => !proof.unfaithful.includes(from)).map(({ from }) => from);
  await retireIndexes(services, claim, work, retired);
  for (const id of retired) await setAside(context, work, repair.damageId, `index/${id}`);
  // The damage hit more files than those that nothing could bring back: only these are lost.
  const lost = isRepairProven(proof) ? undefined : await traceImpact(context, work, store);
  await finishRepair(services, claim, work, repair, proof, lost);
}

/** Where only the customer has the key: what the machine signed is the proof, and the history says so. */
function machineProof(repair: RepairWork): RepairProof {
  const lostPacks = new Set(repair.report.filter(({ gone }) => gone > 0).map(({ packId }) => packId));
  const now = repair.report.flatMap((pack) => pack.now);
  return {
    by: 'machine',
    lostBlobs: repair.report.reduce((sum, { gone }) => sum + gone, 0),
    unfaithful: [],
    points: repair.points.map(({ id, packIds }) => ({
      id,
      // A pack of which the machine says nothing was not repaired by it.
      isWhole: repair.damagedPackIds.every(
        (packId) =>
          !packIds.includes(packId) || (repair.report.some((one) => one.packId === packId) && !lostPacks.has(packId)),
      ),
      packIds: now,
    })),
  };
}

async function prove(
  context: JobContext,
  work: VerificationWork,
  store: ReadStore,
  repair: RepairWork,
): Promise<RepairProof> {
  const task = {
    kind: 'prove',
    password: work.password ?? '',
    damagedPackIds: repair.damagedPackIds,
    newPackIds: repair.newPackIds,
    replaced: repair.replaced,
    snapshots: repair.points.map(({ snapshotId, treeId }) => ({ id: snapshotId, treeId })),
  } as const;
  try {
    const found = proveResult.parse(await inSandbox(context, { store, task, wallClockMs: WALL_CLOCK_MS }));
    const bySnapshot = new Map(found.snapshots.map((one) => [one.id, one]));
    return {
      by: 'service',
      lostBlobs: found.packs.reduce((sum, { lost }) => sum + lost, 0),
      unfaithful: found.unfaithful,
      points: repair.points.map(({ id, snapshotId }) => ({
        id,
        isWhole: bySnapshot.get(snapshotId)?.isWhole === true,
        packIds: bySnapshot.get(snapshotId)?.packIds ?? [],
      })),
    };
  } catch (error) {
    if (!(error instanceof UnopenedError)) throw error;
    return {
      by: 'service',
      lostBlobs: 0,
      unfaithful: repair.replaced.map(({ from }) => from),
      points: repair.points.map(({ id }) => ({ id, isWhole: false, packIds: [] })),
    };
  }
}

/** The bytes of an object that no reader is to find any more move out of the repository, and are kept. Repeatable. */
async function setAside(
  { services }: JobContext,
  work: VerificationWork,
  damageId: string,
  key: string,
): Promise<void> {
  const place = `${work.vaultPrefix}/${key}`;
  const info = await services.store.head(place);
  if (info === undefined) return;
  const target = evidenceKey(work, damageId, key);
  await services.store.createFrom(target, services.store.stream(place), { size: info.size, crc32c: info.crc32c });
  const kept = await services.store.head(target);
  if (kept?.size !== info.size || kept.crc32c !== info.crc32c)
    throw new HoldfastError('storage_unavailable', 'A replaced index could not be kept aside. It stays where it was.');
  await services.store.remove(place, info.generation);
}
