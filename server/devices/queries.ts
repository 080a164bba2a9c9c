import { HoldfastError } from '../../core/base/errors.ts';
import type { DeviceClass } from '../../core/domain/alerts/rules.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import { classOf } from '../alerts/load-rules.ts';
import { listOpenAlerts } from '../alerts/queries.ts';
import type { AlertView } from '../alerts/view.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { type DrillLine, listDrillLines } from '../drills/queries.ts';
import { emptyBar, loadBars } from '../fleet/load-bars.ts';
import { loadSummaries } from '../fleet/summaries.ts';
import type { DeviceSummary, OccurrenceBar } from '../fleet/view.ts';
import { listPointLines, type PointLine } from '../restore-points/queries.ts';
import { listRunLines, type RunLine } from '../runs/queries.ts';
import type { Services } from '../services.ts';
import { listVerificationLines, type VerificationLine } from '../verification/queries.ts';

export interface DeviceView {
  readonly nowMs: number;
  readonly device: DeviceSummary;
  /** 28 days, a cell for each expected backup. */
  readonly bar: OccurrenceBar;
  readonly os: string;
  /** For the limits of alerts; `isGuessed`: nobody said so. */
  readonly deviceClass: { readonly is: DeviceClass; readonly isGuessed: boolean };
  readonly arch: string;
  readonly agentVersion: string;
  readonly tags: readonly string[];
  readonly enrolledMs: number;
  readonly suspectedCloneMs: number | null;
  readonly custody: 'escrowed' | 'customer_held';
  readonly repositoryId: string | null;
  readonly storedBytes: number;
  /** What the vault may hold; null: nothing is agreed. */
  readonly quotaBytes: number | null;
  readonly storedObjects: number;
  readonly policy: {
    readonly id: string;
    readonly name: string;
    readonly version: number;
    readonly document: PolicyDocument;
    /** Devices that obey it, this one among them. */
    readonly devices: number;
  };
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
    const timezone = summary.timeZone;
    const bars = await loadBars(services, scope, [{ id: deviceId, timezone }], nowMs);
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
      bar: bars.get(deviceId) ?? emptyBar(nowMs, timezone),
      os: device.os,
      deviceClass: {
        is: classOf(device.class, device.os, (policyDocument.parse(device.policy.document).sources ?? []).length > 0),
        isGuessed: device.class === null,
      },
      arch: device.arch,
      agentVersion: device.agentVersion,
      tags: device.tags,
      enrolledMs: device.enrolledAt.getTime(),
      suspectedCloneMs: device.suspectedCloneAt?.getTime() ?? null,
      custody: vault?.custody === 'customer_held' ? 'customer_held' : 'escrowed',
      repositoryId: vault?.repositoryId ?? null,
      quotaBytes: vault?.quotaBytes == null ? null : Number(vault.quotaBytes),
      storedBytes: Number(stored?._sum.size ?? 0n),
      storedObjects: stored?._count ?? 0,
      policy: {
        id: device.policyId,
        devices: await tx.device.count({
          where: { tenantId: scope.tenantId, policyId: device.policyId, revokedAt: null },
        }),
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
