import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import type { RowCounts } from '../../core/domain/database-checks.ts';
import { plansOf, type DrillScope, isCovering, type PointChoice } from '../../core/domain/drill-plans.ts';
import { DRILL_LIMITS, type DrillPlan, planDrill, type SampleHistory } from '../../core/domain/drills.ts';
import { policyDocument, type PolicyDocument } from '../../core/domain/policy.ts';
import { neededPaths } from '../../core/domain/system-test-words.ts';
import { witnessFile } from '../../core/protocol/manifest.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openDrillPassword } from '../vaults/open-drill-password.ts';
import { type DeclaredTests, loadSystemTests } from './load-system-tests.ts';

export type WitnessFile = z.infer<typeof witnessFile>;

/** What a drill of the same source saw before, to compare with. */
export interface EarlierDrills {
  /** Rows by dump and table, of the last drill that passed and counted any. */
  readonly rows: Readonly<Record<string, RowCounts>>;
  /** Bytes a second that restores of drills reached. */
  readonly paces: readonly number[];
  /** Drills in a row up to this one whose restoring process did not come to its end. */
  readonly breakdowns: number;
}

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
  /** Of the whole restore point. */
  readonly pointBytes: number;
  readonly vaultPrefix: string;
  readonly password: string;
  readonly seed: string;
  readonly level: number;
  readonly pointChoice: PointChoice;
  readonly scope: DrillScope;
  readonly trigger: string;
  readonly timeZone: string;
  readonly rtoMinutes: number;
  readonly plan: DrillPlan;
  /** The dumps of the restore point, planned or not. */
  readonly dumps: readonly WitnessFile[];
  /** That the policy protects, with what is declared about their databases. */
  readonly sources: NonNullable<PolicyDocument['sources']>;
  readonly earlier: EarlierDrills;
  /** What level 5 does; nothing below it. */
  readonly system: DeclaredTests;
  readonly createdMs: number;
  readonly startedMs: number;
}

/** Drills that the comparison and the weights look back to. */
const EARLIER_READ = 20;

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
      include: {
        restorePoint: { include: { run: { select: { selectedBytes: true } } } },
        vault: true,
        device: { include: { policy: true, customer: true } },
      },
    });
    if (drill === null || (drill.state !== 'queued' && drill.state !== 'running')) return undefined;
    const { restorePoint: point, vault, device } = drill;
    if (point.state !== 'sealed')
      throw new HoldfastError('vault_quarantined', 'The restore point was locked away before it could be tested.');
    const policy = policyDocument.parse(device.policy.document);
    const password = await openDrillPassword(services, tx, vault);
    const witness = z.array(witnessFile).parse(point.witness);
    const facts = {
      level: drill.level,
      pointChoice: drill.pointChoice as PointChoice, // both held by CHECK constraints of the database
      scope: drill.scope as DrillScope,
    };
    const { sampleFiles } = plansOf(policy).find((wish) => isCovering(facts, wish)) ?? policy.drill;
    const { history, earlier } = await loadPast(tx, { ...drill, restorePoint: { ...point, witness } });
    const system =
      drill.level >= 5
        ? await loadSystemTests(services, tx, scope.tenantId, drill.sourceId)
        : { tests: {}, password: null };
    const needed = neededPaths(system.tests);
    const plan = planDrill(witness, { seed: drill.seed, sampleFiles, ...facts, history, needed });
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
        checks: [],
        warnings: [],
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
      pointBytes: Number(point.run.selectedBytes),
      vaultPrefix: vault.prefix,
      password,
      seed: drill.seed,
      ...facts,
      trigger: drill.trigger,
      timeZone: device.customer.timezone,
      rtoMinutes: policy.rtoMinutes,
      plan,
      dumps: witness.filter(({ role }) => role === 'dump'),
      sources: policy.sources ?? [],
      earlier,
      system,
      createdMs: drill.createdAt.getTime(),
      startedMs: startedAt.getTime(),
    };
  });
}

const pastMismatch = z.array(z.object({ path: z.string() })).catch([]);
const pastFacts = z.object({ rows: z.record(z.string(), z.record(z.string(), z.number())).optional() }).catch({});
const pastBreakdown = z.object({ brokenBy: z.string() });
const pastTimings = z.object({ transfer: z.number().optional(), firstByte: z.number().optional() }).catch({});

/** What changed since the point before, what did not come back in earlier drills, and what those counted and reached. */
async function loadPast(
  tx: Tx,
  drill: {
    readonly tenantId: string;
    readonly sourceId: string;
    readonly createdAt: Date;
    readonly restorePoint: { readonly captureAt: Date; readonly witness: readonly WitnessFile[] };
  },
): Promise<{ readonly history: SampleHistory; readonly earlier: EarlierDrills }> {
  const { tenantId, sourceId, restorePoint } = drill;
  const before = await tx.restorePoint.findFirst({
    where: { tenantId, sourceId, captureAt: { lt: restorePoint.captureAt } },
    orderBy: { captureAt: 'desc' },
    select: { witness: true },
  });
  const known = new Map(
    z
      .array(witnessFile)
      .catch([])
      .parse(before?.witness ?? [])
      .map(({ path, sha256 }) => [path, sha256]),
  );
  // A path that was not in the sample of the point before says nothing; one with other contents was written since.
  const changed = restorePoint.witness.filter(({ path, sha256 }) => known.has(path) && known.get(path) !== sha256);
  const drills = await tx.drill.findMany({
    where: { tenantId, sourceId, state: { in: ['passed', 'failed'] }, createdAt: { lt: drill.createdAt } },
    orderBy: { createdAt: 'desc' },
    take: EARLIER_READ,
    select: { state: true, mismatches: true, facts: true, timings: true, bytesDone: true },
  });
  const failed = drills.flatMap(({ mismatches }) => pastMismatch.parse(mismatches).map(({ path }) => path));
  const passed = drills.filter(({ state }) => state === 'passed');
  const counted = passed.map(({ facts }) => pastFacts.parse(facts).rows ?? {});
  return {
    history: { changed: new Set(changed.map(({ path }) => path)), failed: new Set(failed) },
    earlier: {
      // The newest count of each dump: not every drill opens every one.
      rows: Object.assign({}, ...counted.reverse()) as Record<string, RowCounts>,
      paces: passed.flatMap(({ timings, bytesDone }) => {
        const { transfer = 0, firstByte = 0 } = pastTimings.parse(timings);
        return transfer + firstByte === 0 ? [] : [(Number(bytesDone) * 1000) / (transfer + firstByte)];
      }),
      breakdowns: await countBreakdowns(tx, drill),
    },
  };
}

async function countBreakdowns(
  tx: Tx,
  { tenantId, sourceId, createdAt }: { readonly tenantId: string; readonly sourceId: string; readonly createdAt: Date },
): Promise<number> {
  const drills = await tx.drill.findMany({
    where: {
      tenantId,
      sourceId,
      runner: 'service',
      state: { in: ['passed', 'failed', 'void'] },
      createdAt: { lt: createdAt },
    },
    orderBy: { createdAt: 'desc' },
    take: DRILL_LIMITS.breakdownsMax,
    select: { facts: true },
  });
  const ended = drills.findIndex(({ facts }) => !pastBreakdown.safeParse(facts).success);
  return ended === -1 ? drills.length : ended;
}
