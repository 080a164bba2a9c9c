import { z } from 'zod';
import type { CheckState } from '../../core/domain/outcome.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { VerificationPurpose } from './begin-verification.ts';

const finding = z.object({ key: z.string(), problem: z.string() });

export interface VerificationLine {
  readonly id: string;
  readonly level: number;
  readonly state: CheckState;
  readonly objectsTotal: number;
  readonly objectsDone: number;
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly findings: readonly z.infer<typeof finding>[];
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly errorMessage: string | null;
  readonly restorePointId: string | null;
  readonly purpose: VerificationPurpose;
  /** Waits since then for a backup to end. */
  readonly pausedMs: number | null;
}

/** Verifications of one device, the newest first. */
export async function listVerificationLines(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId: string },
  limit: number,
): Promise<VerificationLine[]> {
  const verifications = await tx.verification.findMany({
    where: { tenantId: scope.tenantId, ...filter },
    orderBy: { createdAt: 'desc' },
    take: limit,
  });
  return verifications.map((one) => ({
    id: one.id,
    level: one.level,
    state: one.state as CheckState, // held by a CHECK constraint of the database
    objectsTotal: one.objectsTotal,
    objectsDone: one.objectsDone,
    bytesTotal: Number(one.bytesTotal),
    bytesDone: Number(one.bytesDone),
    findings: z.array(finding).catch([]).parse(one.findings),
    createdMs: one.createdAt.getTime(),
    startedMs: one.startedAt?.getTime() ?? null,
    finishedMs: one.finishedAt?.getTime() ?? null,
    errorMessage: one.errorMessage,
    restorePointId: one.restorePointId,
    purpose: one.purpose as VerificationPurpose, // held by a CHECK constraint of the database
    pausedMs: one.pausedAt?.getTime() ?? null,
  }));
}
