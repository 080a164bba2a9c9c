/** A restore point without the work of a seal, for tests of what comes after it. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { newId } from '../../core/base/ids.ts';
import { makeBackup, type TestDevice, type TestObject } from './test-device.ts';

const idOf = ({ key }: TestObject): string => key.slice(-64);

/** A point as the seal leaves it, of the smallest backup; written past the walls by the administrator. */
export async function sealTestPoint(
  admin: pg.Client,
  of: TestDevice,
): Promise<{ objects: TestObject[]; pointId: string; snapshotId: string }> {
  const brought = makeBackup();
  const runId = await of.startRun();
  await of.upload(runId, brought);
  await admin.query(`UPDATE stored_object SET state = 'sealed', sealed_at = now() WHERE run_id = $1`, [runId]);
  const id = newId();
  const { tenantId, customerId, deviceId, vaultId, source } = of.answer;
  const snapshotId = idOf(brought[3]!);
  await admin.query(
    `INSERT INTO restore_point (tenant_id, id, customer_id, device_id, source_id, vault_id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now(), now(), 'sealed', 'ok', true, 1, 1, 1, $10, '[]')`,
    [
      tenantId,
      id,
      customerId,
      deviceId,
      source.id,
      vaultId,
      runId,
      snapshotId,
      randomBytes(32).toString('hex'),
      brought.slice(0, 2).map(idOf),
    ],
  );
  return { objects: brought, pointId: id, snapshotId };
}
