import { newId } from '../../core/base/ids.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { markObjects, selectObjects } from '../verification/objects-by-key.ts';
import { type Finding, PROBLEM_TEXTS } from '../verification/quarantine-points.ts';
import { addVerification, type VaultPlace } from '../verification/queue-verification.ts';
import { askRepair } from './ask-repair.ts';
import { addDamageEvent } from './damage-events.ts';

/**
 * Marks the objects, opens a damage for those that belong to no open one yet, and orders what comes next: where the service has
 * the key, to find out who needs them; else at once to have the machine send them again.
 * @returns the damage's id; undefined when all of them were known.
 */
export async function recordDamage(
  services: Services,
  change: Change,
  vault: VaultPlace,
  findings: readonly Finding[],
  found: { readonly level: number; readonly verificationId: string | null },
): Promise<string | undefined> {
  const { tx } = change;
  const { tenantId, vaultId, customerId, deviceId } = vault;
  const nowMs = services.clock.nowMs();
  const keys = findings.map(({ key }) => key);
  // Two checks that find the same at once: the second sees what the first has opened.
  await tx.$queryRaw`SELECT 1 FROM vault WHERE tenant_id = ${tenantId}::uuid AND id = ${vaultId}::uuid FOR UPDATE`;
  for (const problem of ['damaged', 'missing', 'contents'] as const) {
    const of = findings.filter((one) => one.problem === problem).map(({ key }) => key);
    if (of.length > 0)
      await markObjects(tx, vault, of, {
        from: ['leased', 'committed', 'sealed', 'damaged', 'missing'],
        state: problem === 'missing' ? 'missing' : 'damaged',
        problem: PROBLEM_TEXTS[problem],
      });
  }
  const open = await tx.damage.findMany({
    where: { tenantId, vaultId, endedAt: null, keys: { hasSome: keys } },
    select: { keys: true },
  });
  const known = new Set(open.flatMap((one) => one.keys));
  const fresh = findings.filter(({ key }) => !known.has(key));
  if (fresh.length === 0) return undefined;
  const rows = await selectObjects(
    tx,
    vault,
    fresh.map(({ key }) => key),
  );
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const objects = fresh.map(({ key, problem }) => {
    const row = byKey.get(key);
    return { key, problem, kind: row?.kind ?? kindOf(key), size: row?.size ?? 0 };
  });
  const id = newId(services.clock);
  const place = { tenantId, customerId, id };
  await tx.damage.create({
    data: {
      ...place,
      deviceId,
      vaultId,
      state: 'found',
      keys: fresh.map(({ key }) => key),
      objects,
      foundAt: new Date(nowMs),
    },
  });
  await addDamageEvent(change, place, 'found', nowMs, {
    ...found,
    objects: objects.slice(0, 100),
    count: objects.length,
  });
  await change.audit('damage.found', { kind: 'damage', id }, { vaultId, objects: objects.length, level: found.level });
  const { drillPasswordSealed } = await tx.vault.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: vaultId } },
    select: { drillPasswordSealed: true },
  });
  if (drillPasswordSealed !== null)
    await addVerification(services, change, vault, { purpose: 'trace', level: 2, damageId: id });
  else {
    await addDamageEvent(change, place, 'untraced', nowMs, { reason: 'customer_held' });
    await askRepair(services, change, { ...place, deviceId, keys });
  }
  return id;
}

/** Of an object that no ledger row describes: its folder tells all but what is in a pack. */
function kindOf(key: string): string {
  if (key.startsWith('data/')) return 'data_pack';
  if (key === 'config') return key;
  return { index: 'index', snapshots: 'snapshot', keys: 'key' }[key.slice(0, key.indexOf('/'))] ?? 'data_pack';
}
