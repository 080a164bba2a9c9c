import { HoldfastError } from '../../core/base/errors.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import { listOpenAlerts } from '../alerts/queries.ts';
import type { AlertView } from '../alerts/view.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { type DrillLine, listDrillLines } from '../drills/queries.ts';
import { loadSummaries } from '../fleet/summaries.ts';
import type { DeviceSummary } from '../fleet/view.ts';
import { listPointLines, type PointLine } from '../restore-points/queries.ts';
import { listRunLines, type RunLine } from '../runs/queries.ts';
import type { Services } from '../services.ts';
import { listVerificationLines, type VerificationLine } from '../verification/queries.ts';

export interface DeviceView {
  readonly nowMs: number;
  readonly device: DeviceSummary;
  readonly os: string;
  readonly arch: string;
  readonly agentVersion: string;
  readonly enrolledMs: number;
  readonly suspectedCloneMs: number | null;
  readonly custody: 'escrowed' | 'customer_held';
  readonly repositoryId: string | null;
  readonly storedBytes: number;
  readonly storedObjects: number;
  readonly policy: { readonly name: string; readonly version: number; readonly document: PolicyDocument };
  /** The policy version that the agent last said it obeys. */
  readonly policyVersionAtAgent: number;
  readonly alerts: readonly AlertView[];
  readonly points: readonly PointLine[];
  readonly runs: readonly RunLine[];
  readonly drills: readonly DrillLine[];
  readonly verifications: readonly VerificationLine[];
  readonly commands: readonly CommandLine[];
}

export interface CommandLine {
  readonly id: string;
  readonly kind: 'backup_now' | 'restore';
  readonly state: string;
  readonly message: string | null;
  readonly createdMs: number;
  readonly finishedMs: number | null;
}

/** Rows of each list that the page shows; older ones stay in the database. */
const LINES_MAX = 60;

/** @throws HoldfastError not_found, for a foreign device exactly as for one that never was. */
export async function viewDevice(services: Services, scope: Scope, deviceId: string): Promise<DeviceView> {
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const [summary] = await loadSummaries(tx, scope, nowMs, { deviceId });
    if (summary === undefined) throw new HoldfastError('not_found', 'There is no such device.');
    const where = { tenantId: scope.tenantId, deviceId };
    const device = await tx.device.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: scope.tenantId, id: deviceId } },
      include: { policy: true },
    });
    const vault = await tx.vault.findFirst({ where });
    const state = await tx.deviceState.findFirst({ where });
    const stored =
      vault === null
        ? null
        : await tx.storedObject.aggregate({
            where: { tenantId: scope.tenantId, vaultId: vault.id, state: 'sealed' },
            _sum: { size: true },
            _count: true,
          });
    return {
      nowMs,
      device: summary,
      os: device.os,
      arch: device.arch,
      agentVersion: device.agentVersion,
      enrolledMs: device.enrolledAt.getTime(),
      suspectedCloneMs: device.suspectedCloneAt?.getTime() ?? null,
      custody: vault?.custody === 'customer_held' ? 'customer_held' : 'escrowed',
      repositoryId: vault?.repositoryId ?? null,
      storedBytes: Number(stored?._sum.size ?? 0n),
      storedObjects: stored?._count ?? 0,
      policy: {
        name: device.policy.name,
        version: device.policy.version,
        document: policyDocument.parse(device.policy.document),
      },
      policyVersionAtAgent: state?.policyVersion ?? 0,
      alerts: await listOpenAlerts(tx, scope, { deviceId }),
      points: await listPointLines(tx, scope, { deviceId }, LINES_MAX),
      runs: await listRunLines(tx, scope, { deviceId }, LINES_MAX),
      drills: await listDrillLines(tx, scope, { deviceId }, LINES_MAX),
      verifications: await listVerificationLines(tx, scope, { deviceId }, LINES_MAX),
      commands: await listCommandLines(tx, scope, deviceId),
    };
  });
}

async function listCommandLines(tx: Tx, scope: Scope, deviceId: string): Promise<CommandLine[]> {
  const commands = await tx.agentCommand.findMany({
    where: { tenantId: scope.tenantId, deviceId },
    orderBy: { createdAt: 'desc' },
    take: 5,
  });
  return commands.map((command) => ({
    id: command.id,
    kind: command.kind === 'restore' ? 'restore' : 'backup_now',
    state: command.state,
    message: command.message,
    createdMs: command.createdAt.getTime(),
    finishedMs: command.finishedAt?.getTime() ?? null,
  }));
}
