/** The answer of a machine that made a drill itself: its signature, and its hashes against those that the server kept. */
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { compareRestored } from '../../core/domain/drills.ts';
import type { PointChoice } from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import {
  type DrillAnswer,
  drillAnswer,
  isDrillAnswerValid,
  type SignedAnswer,
} from '../../core/protocol/drill-answer.ts';
import { drillEvidence } from '../../core/evidence/drill-evidence.ts';
import type { DrillAnswerResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { DATA_CODES } from './data-codes.ts';
import { witnessCheck } from './witness-check.ts';
import { type DrillMismatch, type DrillVerdict, type JudgedDrill, writeVerdict } from './finish-drill.ts';

/** As it was drawn when the drill was ordered. */
const orderedPlan = z.object({
  selection: z.object({ files: drillEvidence.shape.selection.shape.files, leftOutBySize: z.number() }),
});

/**
 * Told twice, the first answer stands. @throws HoldfastError not_found for a drill that this machine was not asked for;
 * signature_invalid; bad_request for an answer about something else.
 */
export async function finishAgentDrill(
  services: Services,
  scope: DeviceScope,
  drillId: string,
  signed: SignedAnswer,
): Promise<DrillAnswerResponse> {
  requireDevice(scope);
  return await applyChange(services, scope, async (change) => {
    const { drill, work, publicKey } = await loadDrill(change, scope, drillId);
    if (!isDrillAnswerValid(signed, publicKey))
      throw new HoldfastError('signature_invalid', 'The result of the restore test is not signed by this machine.');
    const answer = readAnswer(signed.text, drillId, work.snapshotId);
    await change.audit('drill.finished', { kind: 'drill', id: drillId }, { runner: drill.runner });
    if (drill.state === 'queued' || drill.state === 'running') {
      const startedMs = clamp(answer.startedMs, work.createdMs, services.clock.nowMs());
      await change.tx.drill.update({
        where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
        data: { state: 'running', startedAt: new Date(startedMs) },
      });
      const judged = { ...work, startedMs };
      await writeVerdict(services, change, judged, verdictOf(judged, answer, signed, services.clock.nowMs()));
    }
    const { state, errorMessage } = await change.tx.drill.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      select: { state: true, errorMessage: true },
    });
    return { state: state as DrillAnswerResponse['state'], message: errorMessage }; // it has ended, above or before
  });
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function readAnswer(text: string, drillId: string, snapshotId: string): DrillAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('bad_request', 'The result of the restore test cannot be read.', { cause });
  }
  const parsed = drillAnswer.safeParse(value);
  if (!parsed.success || parsed.data.drillId !== drillId || parsed.data.snapshotId !== snapshotId)
    throw new HoldfastError('bad_request', 'The result is not that of the restore test that was ordered.');
  return parsed.data;
}

async function loadDrill({ tx }: Change, scope: DeviceScope, drillId: string) {
  const drill = await tx.drill.findFirst({
    where: {
      tenantId: scope.tenantId,
      deviceId: scope.deviceId,
      id: drillId,
      runner: { in: ['agent', 'kit'] },
    },
    include: { restorePoint: true, vault: true, device: { include: { policy: true, customer: true } } },
  });
  if (drill === null) throw new HoldfastError('not_found', 'The service has not ordered this restore test.');
  const { restorePoint: point, vault, device } = drill;
  const policy = policyDocument.parse(device.policy.document);
  const { selection } = orderedPlan.parse(drill.evidence);
  const plan = { files: selection.files, bytes: Number(drill.bytesPlanned), leftOut: selection.leftOutBySize };
  const work: JudgedDrill = {
    id: drillId,
    tenantId: drill.tenantId,
    customerId: drill.customerId,
    deviceId: drill.deviceId,
    sourceId: drill.sourceId,
    restorePointId: point.id,
    snapshotId: point.snapshotId,
    treeId: point.treeId,
    captureMs: point.captureAt.getTime(),
    sealedMs: point.sealedAt.getTime(),
    vaultPrefix: vault.prefix,
    seed: drill.seed,
    level: drill.level,
    scope: drill.scope as 'sample' | 'full', // held by a CHECK constraint of the database, as the next one
    pointChoice: drill.pointChoice as PointChoice,
    trigger: drill.trigger,
    timeZone: device.customer.timezone,
    rtoMinutes: policy.rtoMinutes,
    plan,
    createdMs: drill.createdAt.getTime(),
    startedMs: drill.createdAt.getTime(),
  };
  return { drill, work, publicKey: device.publicKey };
}

function verdictOf(work: JudgedDrill, answer: DrillAnswer, signed: SignedAnswer, nowMs: number): DrillVerdict {
  const { plan } = work;
  const damaged = new Set(answer.damaged);
  const compared = compareRestored(plan.files, answer.files);
  const mismatches: DrillMismatch[] = compared.mismatches.map((one) =>
    one.problem === 'missing' && damaged.has(one.path) ? { ...one, problem: 'damaged' } : one,
  );
  const timings = {
    queue: Math.max(0, work.startedMs - work.createdMs),
    ...answer.timingsMs,
    total: clamp(answer.finishedMs - answer.startedMs, 0, Math.max(0, nowMs - work.createdMs)),
  };
  const told = {
    steps: [],
    filesDone: answer.files.length,
    bytesDone: answer.files.reduce((sum, { size }) => sum + size, 0),
    timings,
    confinement: [],
    answer: { text: signed.text, signature: signed.signature },
    software: answer.software,
    rtoEstimatedMs: null,
    // The service's own sandbox had no part in it: nothing of that can be weaker than it should be.
    warnings: [],
    rows: {},
    newestBusinessMs: null,
  };
  const { problem } = answer;
  if (problem !== null) {
    const isOfData = DATA_CODES.has(problem.code);
    const message = isOfData ? problem.message : `The restore test could not be carried out: ${problem.message}`;
    return {
      ...told,
      state: isOfData ? 'failed' : 'void',
      message,
      filesMatched: 0,
      mismatches: [],
      checks: [],
      isPointDamaged: isOfData,
    };
  }
  const filesMatched = compared.matched;
  const checks = [witnessCheck(plan.files.length, filesMatched, mismatches, timings.checks ?? 0)];
  const found = { ...told, filesMatched, mismatches, checks, isPointDamaged: mismatches.length > 0 };
  if (mismatches.length === 0) return { ...found, state: 'passed', message: null };
  return { ...found, state: 'failed', message: checks[0]!.output };
}
