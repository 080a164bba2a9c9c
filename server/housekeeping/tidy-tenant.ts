/**
 * Drops what has served: nonces, listings, silences and findings that no back-test reaches any more, downloads with their objects,
 * staged uploads of ended runs, leases that nobody used. Nothing that a restore point needs is among them: sealed objects are not
 * touched here.
 */
import { NONCE_KEPT_MS } from '../../core/protocol/signed-request.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { abandonRestores } from '../restores/restore-requests.ts';
import type { Services } from '../services.ts';

const MINUTE_MS = 60_000;
const TIMES = {
  /** Longer than a request's timestamp is accepted, before and after. */
  nonceMs: NONCE_KEPT_MS,
  /** An expired lease is kept for a day: a run may go on that long after a broken connection. */
  leaseMs: 24 * 60 * MINUTE_MS,
  /** A staged file may be written by an upload that is still under way. */
  stagedMs: 60 * MINUTE_MS,
  /** What was told, and whether it arrived. */
  toldMs: 90 * 24 * 60 * MINUTE_MS,
  /** Longer than a back-test looks back: what began before its time and reaches into it is needed whole. */
  pastMs: 35 * 24 * 60 * MINUTE_MS,
  /** A back-test lets its rule be switched on for an hour (server/alerts/rule-trials.ts). */
  trialMs: 24 * 60 * MINUTE_MS,
} as const;
const BATCH = 500;

export async function tidyTenant(services: Services, scope: Scope): Promise<void> {
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const before = (ms: number): Date => new Date(nowMs - ms);
  await withScope(services, scope, async (tx) => {
    await tx.deviceNonce.deleteMany({ where: { tenantId, seenAt: { lt: before(TIMES.nonceMs) } } });
    await tx.folderListing.deleteMany({ where: { tenantId, expiresAt: { lt: before(0) } } });
    const told = { tenantId, createdAt: { lt: before(TIMES.toldMs) } };
    await tx.notificationDelivery.deleteMany({ where: { ...told, endedAt: { not: null } } });
    await tx.notification.deleteMany({ where: told });
    await tx.deviceGap.deleteMany({ where: { tenantId, untilAt: { lt: before(TIMES.pastMs) } } });
    await tx.unheardFinding.deleteMany({ where: { tenantId, endedAt: { lt: before(TIMES.pastMs) } } });
    await tx.alertRuleTrial.deleteMany({ where: { tenantId, at: { lt: before(TIMES.trialMs) } } });
    await tx.externalTicket.deleteMany({ where: { tenantId, closedAt: { lt: before(TIMES.toldMs) } } });
  });
  // Before their downloads go.
  await abandonRestores(services, scope);
  await dropDownloads(services, scope, before(0));
  await dropStaged(services, scope, before(TIMES.stagedMs));
  await dropLeases(services, scope, before(TIMES.leaseMs));
}

/** The object first: a row without object is shown as expired, an object without row would lie for ever. */
async function dropDownloads(services: Services, scope: Scope, now: Date): Promise<void> {
  const { tenantId } = scope;
  const expired = await withScope(services, scope, (tx) =>
    tx.download.findMany({ where: { tenantId, expiresAt: { lt: now } }, select: { id: true }, take: BATCH }),
  );
  for (const { id } of expired) {
    await services.store.remove(`downloads/${tenantId}/${id}`);
    await withScope(services, scope, (tx) => tx.download.deleteMany({ where: { tenantId, id } }));
  }
}

/** Index and snapshot files that a run left behind: sealed ones lie in the vault, those of failed runs are worth nothing. */
async function dropStaged(services: Services, scope: Scope, before: Date): Promise<void> {
  const { tenantId } = scope;
  const keysByRun = new Map<string, string[]>();
  for await (const { key } of services.store.list(`staging/${tenantId}/`)) {
    const runId = key.split('/')[3];
    if (runId === undefined) continue;
    keysByRun.set(runId, [...(keysByRun.get(runId) ?? []), key]);
    if (keysByRun.size >= BATCH) break;
  }
  if (keysByRun.size === 0) return;
  const ended = await withScope(services, scope, (tx) =>
    tx.backupRun.findMany({
      where: {
        tenantId,
        id: { in: [...keysByRun.keys()] },
        state: { in: ['sealed', 'failed', 'aborted'] },
        finishedAt: { lt: before },
      },
      select: { id: true },
    }),
  );
  for (const { id } of ended) for (const key of keysByRun.get(id) ?? []) await services.store.remove(key);
}

/** Names that were leased and never used. Where bytes did arrive the row stays: a later run need not send them again. */
async function dropLeases(services: Services, scope: Scope, before: Date): Promise<void> {
  const { tenantId } = scope;
  const stale = await withScope(services, scope, (tx) => staleLeases(tx, tenantId, before));
  for (const { vaultId, key, prefix } of stale) {
    if ((await services.store.head(`${prefix}/${key}`)) !== undefined) continue;
    await withScope(services, scope, (tx) =>
      tx.storedObject.deleteMany({
        where: { tenantId, vaultId, key, state: 'leased', sealedAt: null, leaseExpiresAt: { lt: before } },
      }),
    );
  }
}

async function staleLeases(tx: Tx, tenantId: string, before: Date) {
  return await tx.$queryRaw<{ vaultId: string; key: string; prefix: string }[]>`
    SELECT o.vault_id AS "vaultId", o.key, v.prefix FROM stored_object o
    JOIN vault v ON v.tenant_id = o.tenant_id AND v.id = o.vault_id
    LEFT JOIN backup_run r ON r.tenant_id = o.tenant_id AND r.id = o.run_id
    WHERE o.tenant_id = ${tenantId}::uuid AND o.state = 'leased' AND o.sealed_at IS NULL
      AND o.lease_expires_at < ${before} AND (r.id IS NULL OR r.state IN ('failed', 'aborted', 'sealed'))
    ORDER BY random() LIMIT ${BATCH}`; // at random: rows that stay must not hide the others
}
