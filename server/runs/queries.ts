import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { type ChangeFigures, commitManifest, unreadItem } from '../../core/protocol/manifest.ts';
import { runProgress } from '../../core/protocol/messages.ts';
import type { Scope } from '../access/scope.ts';
import type { BackupRun } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** What the agent reports while it works, or how far the server's check of the commit is. Null: nothing reported yet. */
export type RunProgressView =
  | ({ readonly kind: 'agent' } & z.infer<typeof runProgress>)
  | { readonly kind: 'seal'; readonly done: number; readonly total: number }
  | null;

export interface RunLine {
  readonly id: string;
  readonly trigger: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly startedMs: number;
  readonly committedMs: number | null;
  readonly finishedMs: number | null;
  readonly lastProgressMs: number;
  readonly progress: RunProgressView;
  readonly snapshotId: string | null;
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly storedBytes: number;
  readonly unreadCount: number;
  readonly unreadBytes: number;
  readonly errorMessage: string | null;
}

export interface RunDetailView {
  readonly nowMs: number;
  readonly timeZone: string;
  readonly run: RunLine;
  readonly device: {
    readonly id: string;
    readonly name: string;
    readonly customerId: string;
    readonly customerName: string;
  };
  readonly unread: readonly z.infer<typeof unreadItem>[];
  readonly restorePointId: string | null;
  readonly objects: readonly { readonly kind: string; readonly count: number; readonly bytes: number }[];
  readonly manifest: ManifestFacts | null;
}

export interface ManifestFacts {
  readonly captureMs: number;
  readonly finishedMs: number;
  readonly receivedMs: number;
  readonly parentSnapshotId: string | null;
  readonly objects: number;
  readonly packs: number;
  readonly addedBlobs: number;
  readonly addedBytes: number;
  readonly witnessFiles: number;
  /** What the agent saw of the files; null where it is older than these figures. */
  readonly changes: ChangeFigures | null;
}

const sealProgress = z.object({ phase: z.literal('seal'), done: z.number(), total: z.number() });

/** @throws HoldfastError not_found, for a foreign run exactly as for one that never was. */
export async function viewRunDetail(services: Services, scope: Scope, runId: string): Promise<RunDetailView> {
  return await withScope(services, scope, async (tx) => {
    const key = { tenantId: scope.tenantId, id: runId };
    const run = await tx.backupRun.findUnique({
      where: { tenantId_id: key },
      include: { device: { include: { customer: true } } },
    });
    if (run === null) throw new HoldfastError('not_found', 'There is no such backup run.');
    const point = await tx.restorePoint.findFirst({
      where: { tenantId: scope.tenantId, runId },
      select: { id: true },
    });
    const objects = await tx.storedObject.groupBy({
      by: ['kind'],
      where: { tenantId: scope.tenantId, vaultId: run.vaultId, runId },
      _count: true,
      _sum: { size: true },
      orderBy: { kind: 'asc' },
    });
    const { device } = run;
    return {
      nowMs: services.clock.nowMs(),
      timeZone: device.customer.timezone,
      run: toRunLine(run),
      device: { id: device.id, name: device.name, customerId: device.customerId, customerName: device.customer.name },
      unread: z.array(unreadItem).catch([]).parse(run.unread),
      restorePointId: point?.id ?? null,
      objects: objects.map((one) => ({ kind: one.kind, count: one._count, bytes: Number(one._sum.size ?? 0n) })),
      manifest: await loadManifestFacts(tx, scope.tenantId, runId),
    };
  });
}

async function loadManifestFacts(tx: Tx, tenantId: string, runId: string): Promise<ManifestFacts | null> {
  const row = await tx.runManifest.findUnique({ where: { tenantId_runId: { tenantId, runId } } });
  if (row === null) return null;
  // Stored only after it was verified and parsed; a text of a later version is shown without its facts.
  const parsed = commitManifest.safeParse(JSON.parse(row.text));
  if (!parsed.success) return null;
  const manifest = parsed.data;
  return {
    captureMs: manifest.captureMs,
    finishedMs: manifest.finishedMs,
    receivedMs: row.receivedAt.getTime(),
    parentSnapshotId: manifest.parentSnapshotId,
    objects: manifest.objects.length,
    packs: manifest.packIds.length,
    addedBlobs: manifest.added.blobs,
    addedBytes: manifest.added.bytes,
    witnessFiles: manifest.witness.length,
    changes: manifest.changes ?? null,
  };
}

/** Runs of one device, the newest first. */
export async function listRunLines(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId: string },
  limit: number,
): Promise<RunLine[]> {
  const runs = await tx.backupRun.findMany({
    where: { tenantId: scope.tenantId, ...filter },
    orderBy: { startedAt: 'desc' },
    omit: { unread: true },
    take: limit,
  });
  return runs.map(toRunLine);
}

function toRunLine(run: Omit<BackupRun, 'unread'>): RunLine {
  return {
    id: run.id,
    trigger: run.trigger,
    state: run.state,
    outcome: run.outcome,
    startedMs: run.startedAt.getTime(),
    committedMs: run.committedAt?.getTime() ?? null,
    finishedMs: run.finishedAt?.getTime() ?? null,
    lastProgressMs: run.lastProgressAt.getTime(),
    progress: toProgress(run.progress),
    snapshotId: run.snapshotId,
    selectedFiles: Number(run.selectedFiles),
    selectedBytes: Number(run.selectedBytes),
    storedBytes: Number(run.storedBytes),
    unreadCount: run.unreadCount,
    unreadBytes: Number(run.unreadBytes),
    errorMessage: run.errorMessage,
  };
}

function toProgress(value: unknown): RunProgressView {
  const agent = runProgress.safeParse(value);
  if (agent.success) return { kind: 'agent', ...agent.data };
  const seal = sealProgress.safeParse(value);
  return seal.success ? { kind: 'seal', done: seal.data.done, total: seal.data.total } : null;
}
