/** A run's signed manifest: everything is checked against the ledger before it counts, and the seal checks the bytes after. */
import { HoldfastError } from '../../core/base/errors.ts';
import { commitManifest, type CommitManifest, isManifestSignatureValid } from '../../core/protocol/manifest.ts';
import type { CommitRequest, RunView } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { BackupRun } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { findRun, toRunView } from './find-run.ts';

/** A manifest lists up to two million packs: comparing them takes longer than an ordinary change. */
const COMMIT_TIMEOUT_MS = 120_000;

/**
 * Repeatable with the same text: the answer of the first may have been lost.
 * @throws HoldfastError commit_invalid, and the run has failed; run_not_open; not_found.
 */
export async function commitRun(
  services: Services,
  scope: DeviceScope,
  runId: string,
  request: CommitRequest,
): Promise<RunView> {
  requireDevice(scope);
  try {
    return await applyChange(services, scope, async (change) => await commit(services, change, scope, runId, request), {
      timeoutMs: COMMIT_TIMEOUT_MS,
    });
  } catch (error) {
    if (error instanceof RepeatedCommit) {
      return await withScope(services, scope, async (tx) => toRunView(await findRun(tx, scope, runId)));
    }
    if (error instanceof HoldfastError && error.code === 'commit_invalid')
      await markFailed(services, scope, runId, error);
    throw error;
  }
}

/** Leaves the transaction without a change: there is nothing to audit. */
class RepeatedCommit extends Error {}

async function commit(
  services: Services,
  change: Change,
  scope: DeviceScope,
  runId: string,
  request: CommitRequest,
): Promise<RunView> {
  const { tx, audit, enqueue } = change;
  // Of two commits, or a commit and a newer run, the second waits and then sees what the first did.
  await tx.$queryRaw`SELECT 1 FROM backup_run WHERE tenant_id = ${scope.tenantId}::uuid AND id = ${runId}::uuid FOR UPDATE`;
  const run = await findRun(tx, scope, runId);
  if (run.state !== 'running') {
    const earlier = await tx.runManifest.findFirst({ where: { tenantId: scope.tenantId, runId } });
    if (earlier?.text === request.text) throw new RepeatedCommit();
    throw new HoldfastError('run_not_open', 'This backup run has ended on the service’s side. Start a new one.');
  }
  const device = await tx.device.findFirstOrThrow({ where: { tenantId: scope.tenantId, id: scope.deviceId } });
  if (!isManifestSignatureValid(request, device.publicKey))
    throw invalid('the signature does not fit the device’s key');
  const manifest = parseManifest(request.text);
  await assertManifest(change, run, manifest);
  const now = new Date(services.clock.nowMs());
  await tx.runManifest.create({
    data: {
      tenantId: scope.tenantId,
      customerId: scope.customerId,
      runId,
      text: request.text,
      signature: request.signature,
      receivedAt: now,
    },
  });
  // One array: a commit may name more objects than a statement may have parameters.
  await tx.$executeRaw`UPDATE stored_object SET state = 'committed', run_id = ${runId}::uuid, lease_expires_at = NULL
    WHERE tenant_id = ${scope.tenantId}::uuid AND vault_id = ${run.vaultId}::uuid AND state = 'leased'
      AND key = ANY (${manifest.objects.map(({ key }) => key)}::text[])`;
  const updated = await tx.backupRun.update({
    where: { tenantId_id: { tenantId: scope.tenantId, id: runId } },
    data: {
      state: 'committed',
      committedAt: now,
      lastProgressAt: now,
      snapshotId: manifest.snapshotId,
      selectedFiles: BigInt(manifest.selected.files),
      selectedBytes: BigInt(Math.round(manifest.selected.bytes)),
      storedBytes: BigInt(Math.round(manifest.added.storedBytes)),
      unreadCount: manifest.unreadCount,
      unreadBytes: BigInt(Math.round(manifest.unreadBytes)),
      unread: manifest.unread,
    },
  });
  await audit(
    'run.committed',
    { kind: 'backup_run', id: runId },
    { snapshotId: manifest.snapshotId, objects: manifest.objects.length },
  );
  await enqueue('seal', { runId }, { dedupeKey: runId, priority: 1, customerId: scope.customerId });
  return toRunView(updated);
}

function invalid(what: string): HoldfastError {
  return new HoldfastError(
    'commit_invalid',
    `The backup was not accepted: ${what}. Nothing that was sealed before is affected; the next run starts afresh.`,
  );
}

function parseManifest(text: string): CommitManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('its manifest is no JSON');
  }
  const parsed = commitManifest.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(`its manifest is malformed at ${parsed.error.issues[0]?.path.join('.') ?? 'the top'}`);
}

async function assertManifest({ tx }: Change, run: BackupRun, manifest: CommitManifest): Promise<void> {
  const vault = await tx.vault.findFirstOrThrow({ where: { tenantId: run.tenantId, id: run.vaultId } });
  if (manifest.runId !== run.id || manifest.vaultId !== run.vaultId || manifest.repositoryId !== vault.repositoryId) {
    throw invalid('its manifest is of another run or vault');
  }
  if (!manifest.objects.some(({ key, kind }) => kind === 'snapshot' && key === `snapshots/${manifest.snapshotId}`)) {
    throw invalid('its manifest does not list its own snapshot');
  }
  const rows = await tx.storedObject.findMany({
    where: { tenantId: run.tenantId, vaultId: run.vaultId },
    select: { key: true, size: true, crc32c: true, kind: true, state: true },
  });
  const ledger = new Map(rows.map((row) => [row.key, row]));
  for (const { key, size, crc32c, kind } of manifest.objects) {
    if (kind === 'key' || kind === 'config') throw invalid(`it names ${key}, which no backup may bring`);
    const row = ledger.get(key);
    const fits = row !== undefined && row.size === BigInt(size) && row.crc32c === crc32c && row.kind === kind;
    if (!fits) throw invalid(`it names ${key}, which was not leased to this vault as it is described`);
  }
  const brought = new Set(manifest.objects.map(({ key }) => key));
  if (brought.size !== manifest.objects.length) throw invalid('its manifest lists an object twice');
  for (const packId of manifest.packIds) {
    const key = `data/${packId.slice(0, 2)}/${packId}`;
    if (brought.has(key) || ledger.get(key)?.state === 'sealed') continue;
    throw invalid(`it needs the pack ${packId}, which the vault does not hold`);
  }
}

async function markFailed(services: Services, scope: DeviceScope, runId: string, error: HoldfastError): Promise<void> {
  await applyChange(services, scope, async ({ tx, audit }) => {
    await tx.backupRun.updateMany({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: runId, state: 'running' },
      data: {
        state: 'failed',
        outcome: 'failed',
        errorCode: error.code,
        errorMessage: error.message,
        finishedAt: new Date(services.clock.nowMs()),
      },
    });
    await audit('run.failed', { kind: 'backup_run', id: runId }, { code: error.code });
  });
}
