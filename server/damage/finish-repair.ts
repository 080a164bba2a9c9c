/** The end of a repair: what is whole again counts again, what is not stays locked away, and the history has it all. */
import { repairReport } from '../../core/protocol/repair-report.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from '../verification/begin-verification.ts';
import { markObjects } from '../verification/objects-by-key.ts';
import { loadPoint, releasePoint } from '../verification/release-point.ts';
import { recordDamageEvidence } from './damage-evidence.ts';
import { addDamageEvent } from './damage-events.ts';
import type { DamageImpact } from './damage-impact.ts';
import { resolveIfSound } from './end-damage.ts';
import { releaseForTest } from './release-for-test.ts';

const TIMEOUT_MS = 120_000;

const SENT = {
  service: 'The machine has sent the data again, and the service has opened it and compared it with its names.',
  machine: 'The machine has sent the data again and signed what it sent; only the customer has the key to open it.',
} as const;

export interface RepairWork {
  readonly damageId: string;
  readonly damagedPackIds: readonly string[];
  readonly newPackIds: readonly string[];
  readonly replaced: readonly { readonly from: string; readonly to: string | null }[];
  /** What the machine said of each damaged pack. */
  readonly report: readonly { readonly packId: string; readonly gone: number; readonly now: readonly string[] }[];
  /** Those that are locked away. */
  readonly points: readonly {
    readonly id: string;
    readonly snapshotId: string;
    readonly treeId: string;
    readonly packIds: readonly string[];
  }[];
}

export interface RepairProof {
  readonly by: 'service' | 'machine';
  readonly lostBlobs: number;
  /** Index files whose replacement is none. */
  readonly unfaithful: readonly string[];
  readonly points: readonly { readonly id: string; readonly isWhole: boolean; readonly packIds: readonly string[] }[];
}

/** Undefined: there is nothing to check (any more). */
export async function loadRepair(
  services: Services,
  claim: Claim,
  work: VerificationWork,
): Promise<RepairWork | undefined> {
  const { tenantId, vaultId } = work;
  return await withScope(services, claim.scope, async (tx) => {
    const damage = await tx.damage.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: work.damageId ?? '' } } });
    const sent = await tx.damageEvent.findFirst({
      where: { tenantId, damageId: damage.id, kind: 'sent' },
      orderBy: { sequence: 'desc' },
    });
    const report = repairReport.safeParse((sent?.data as { report?: unknown } | undefined)?.report);
    if (damage.endedAt !== null || !report.success) return undefined;
    const damagedPackIds = damage.keys.filter((key) => key.startsWith('data/')).map(idOf);
    const points = await tx.restorePoint.findMany({
      where: {
        tenantId,
        vaultId,
        state: 'quarantined',
        // An index has no list of the points that need what it says: all that are locked away are looked at.
        ...(damage.keys.some((key) => key.startsWith('index/')) ? {} : { packIds: { hasSome: damagedPackIds } }),
      },
      select: { id: true, snapshotId: true, treeId: true, packIds: true },
      orderBy: { captureAt: 'desc' },
    });
    // Index files that lie in the vault and were named by nobody else than this device.
    const known = await tx.storedObject.findMany({
      where: { tenantId, vaultId, kind: 'index', sealedAt: { not: null } },
      select: { key: true },
    });
    const isKnown = new Set(known.map(({ key }) => key.slice('index/'.length)));
    return {
      damageId: damage.id,
      damagedPackIds,
      newPackIds: work.objects.filter(({ key }) => key.startsWith('data/')).map(({ key }) => idOf(key)),
      replaced: report.data.replaced.filter(({ from, to }) => isKnown.has(from) && (to === null || isKnown.has(to))),
      report: report.data.packs,
      points,
    };
  });
}

/** The damaged bytes themselves stay where they are; whether a restore point still needs them is what counts. */
export function isRepairProven({ points, unfaithful }: RepairProof): boolean {
  return points.every(({ isWhole }) => isWhole) && unfaithful.length === 0;
}

const idOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

export async function finishRepair(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  repair: RepairWork,
  proof: RepairProof,
  /** Of a repair that is not proven: what is left of what the damage hit, when it could be looked for. */
  lost?: DamageImpact,
): Promise<void> {
  const { tenantId, vaultId } = work;
  const nowMs = services.clock.nowMs();
  await applyChange(
    services,
    claim.scope,
    async (change) => {
      const { tx } = change;
      await claim.guard(tx);
      const where = { tenantId_id: { tenantId, id: repair.damageId } };
      const damage = await tx.damage.findUniqueOrThrow({ where });
      const broken = proof.points.filter(({ isWhole }) => !isWhole);
      const isRepaired = isRepairProven(proof);
      const finished = await tx.verification.updateMany({
        where: { tenantId, id: work.id, state: 'running' },
        data: { state: isRepaired ? 'passed' : 'failed', finishedAt: new Date(nowMs) },
      });
      await change.audit('damage.checked', { kind: 'damage', id: repair.damageId }, { isRepaired, by: proof.by });
      if (finished.count === 0 || damage.endedAt !== null) return;
      const facts = { by: proof.by, lostBlobs: proof.lostBlobs, whole: proof.points.length - broken.length };
      await addDamageEvent(change, damage, 'checked', nowMs, { ...facts, broken: broken.length });
      if (isRepaired) {
        await markObjects(tx, { tenantId, vaultId }, damage.keys, {
          from: ['damaged', 'missing'],
          state: 'retired',
          problem: 'What it held was stored anew. Its bytes are kept as evidence.',
        });
        await addDamageEvent(change, damage, 'retired', nowMs, { keys: damage.keys.slice(0, 100) });
      }
      const released = await release(services, change, tenantId, repair, proof);
      if (released.length > 0) await addDamageEvent(change, damage, 'released', nowMs, { points: released });
      await tx.damage.update({
        where,
        data: {
          ...{ state: isRepaired ? 'repaired' : 'lost', endedAt: new Date(nowMs) },
          // Whoever accepts a loss signs for what is gone, not for all that was hit and came back.
          ...(lost === undefined || isRepaired ? {} : { impact: { ...lost } }),
        },
      });
      await addDamageEvent(change, damage, 'ended', nowMs, { how: isRepaired ? 'repaired' : 'lost' });
      recordDamageEvidence(services, change, damage, {
        kind: isRepaired ? 'damage_repaired' : 'damage_lost',
        ...{ verificationId: work.id, level: work.level },
        restorePointIds: isRepaired ? released : broken.map((point) => point.id),
        words: isRepaired ? `${SENT[proof.by]} Nothing is missing.` : `${SENT[proof.by]} ${lossWords(broken.length)}`,
      });
      if (isRepaired) await resolveIfSound(services, change, work);
      else await tellLoss(services, change, work, broken.length);
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

/** Whole points stand on the packs that hold the data now; what they stood on before is in their signed manifest for good. */
async function release(
  services: Services,
  change: Change,
  tenantId: string,
  repair: RepairWork,
  proof: RepairProof,
): Promise<string[]> {
  const { tx } = change;
  const damaged = new Set(repair.damagedPackIds);
  const released: string[] = [];
  for (const { id, isWhole, packIds } of proof.points) {
    if (!isWhole) continue;
    const old = repair.points.find((point) => point.id === id)?.packIds ?? [];
    await tx.restorePoint.update({
      where: { tenantId_id: { tenantId, id } },
      data: { packIds: [...new Set([...old.filter((packId) => !damaged.has(packId)), ...packIds])].sort() },
    });
    const point = await loadPoint(change, tenantId, id);
    if ((await releasePoint(services, change, point)) || (await releaseForTest(services, change, point)))
      released.push(id);
  }
  return released;
}

function lossWords(points: number): string {
  return `${points === 1 ? 'One older restore point needs' : `${points} older restore points need`} data that is no longer on it and will not restore whole; ${points === 1 ? 'it stays' : 'they stay'} locked away.`;
}

async function tellLoss(services: Services, change: Change, work: VerificationWork, points: number): Promise<void> {
  await resolveAlert(services, change, work, 'damage');
  const { tenantId, customerId, deviceId } = work;
  await openAlert(services, change, {
    tenantId,
    customerId,
    deviceId,
    kind: 'damage',
    title: 'Part of the damaged backup data is lost',
    message: `The machine has sent again what it still has. ${lossWords(points)} Backups made since then are whole. The page Integrity names the files.`,
  });
}
