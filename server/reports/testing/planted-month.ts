/** A customer with a month in its rows as runs, drills and people leave them: for tests of what is read from them later. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { monthWindow } from '../../../core/domain/calendar.ts';
import { withScope } from '../../db/with-scope.ts';
import { claimIntent } from '../../jobs/claims.ts';
import { enqueueIntent } from '../../jobs/intents.ts';
import { rollUpMonth } from '../../sla/roll-up.ts';
import type { createTestServices, TestTenant } from '../../testing/test-services.ts';

const HOUR = 3_600_000;

export interface PlantedSource {
  readonly id: string;
  readonly deviceId: string;
  readonly vaultId: string;
}

export interface PlantPlace {
  readonly admin: pg.Client;
  readonly services: ReturnType<typeof createTestServices>;
  readonly tenant: TestTenant;
  readonly customerId: string;
  readonly month: string;
  readonly timeZone: string;
}

export async function plantSource(place: PlantPlace, names: { device: string; source: string }, addedMs: number) {
  const { admin, tenant, customerId } = place;
  const [id, deviceId, vaultId] = [randomUUID(), randomUUID(), randomUUID()];
  const policyId = tenant.customers.find((one) => one.id === customerId)!.policyId;
  const own = [tenant.id, customerId, deviceId];
  const at = new Date(addedMs);
  await admin.query(
    `INSERT INTO device (tenant_id, customer_id, id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     VALUES ($1, $2, $3, $4, $5, 'srv', 'linux', 'x64', '0', 'none', $6)`,
    [...own, policyId, names.device, at],
  );
  await admin.query(
    `INSERT INTO source (tenant_id, customer_id, device_id, id, kind, name, created_at) VALUES ($1, $2, $3, $4, 'files', $5, $6)`,
    [...own, id, names.source, at],
  );
  await admin.query(
    `INSERT INTO vault (tenant_id, customer_id, device_id, id, prefix, custody, state) VALUES ($1, $2, $3, $4, $5, 'escrowed', 'new')`,
    [...own, vaultId, `v/${tenant.id}/${vaultId}`],
  );
  return { id, deviceId, vaultId } satisfies PlantedSource;
}

/** An expected backup with what came of it; captured when it was due, sealed half an hour later. @returns the point's id. */
export async function plantBackup(
  { admin, tenant, customerId }: PlantPlace,
  source: PlantedSource,
  dueMs: number,
  outcome: 'ok' | 'missed' | 'failed',
  options: { bytes?: number; reason?: string } = {},
): Promise<string | null> {
  const [occurrenceId, runId, pointId] = [randomUUID(), randomUUID(), randomUUID()];
  const own = [tenant.id, customerId, source.deviceId, source.id];
  const due = new Date(dueMs);
  const sealed = new Date(dueMs + HOUR / 2);
  await admin.query(
    `INSERT INTO expected_occurrence (tenant_id, customer_id, device_id, source_id, id, due_at, window_end, outcome, resolved_at, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9)`,
    [...own, occurrenceId, due, new Date(dueMs + HOUR), outcome, options.reason ?? null],
  );
  if (outcome !== 'ok') return null;
  await admin.query(
    `INSERT INTO backup_run (tenant_id, customer_id, device_id, source_id, vault_id, id, occurrence_id, trigger, state, outcome,
       started_at, last_progress_at, committed_at, finished_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'schedule', 'sealed', 'ok', $8, $9, $9, $9)`,
    [...own, source.vaultId, runId, occurrenceId, due, sealed],
  );
  await admin.query('UPDATE expected_occurrence SET run_id = $1 WHERE id = $2', [runId, occurrenceId]);
  await admin.query(
    `INSERT INTO restore_point (tenant_id, customer_id, device_id, source_id, vault_id, id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $10, 'sealed', 'ok', true, 1, $11, 1, '{}', '[]')`,
    [
      ...[...own, source.vaultId, pointId, runId, randomUUID().replaceAll('-', '').repeat(2)],
      ...[due, sealed, options.bytes ?? 1000],
    ],
  );
  return pointId;
}

export async function plantDrill(
  { admin, tenant, customerId }: PlantPlace,
  source: PlantedSource,
  pointId: string,
  drill: {
    readonly endedMs: number;
    readonly state: 'passed' | 'failed' | 'void';
    readonly level?: number;
    readonly scope?: 'sample' | 'full';
    readonly timings?: Readonly<Record<string, number>>;
    readonly estimatedMs?: number;
    readonly checks?: readonly object[];
    readonly message?: string;
    readonly remedy?: string;
    readonly runner?: 'service' | 'kit';
  },
): Promise<string> {
  const id = randomUUID();
  const at = new Date(drill.endedMs);
  const level = drill.level ?? 3;
  await admin.query(
    `INSERT INTO drill (tenant_id, customer_id, device_id, source_id, vault_id, id, restore_point_id, level, trigger, state, seed,
       files_planned, files_done, files_matched, timings, scope, checks, facts, rto_estimated_ms, error_message, remediation,
       runner, started_at, finished_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'schedule', $9, 'seed', 50, 50, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19, $19)`,
    [
      ...[tenant.id, customerId, source.deviceId, source.id, source.vaultId, id, pointId, level, drill.state],
      ...[drill.state === 'passed' ? 50 : 41, JSON.stringify(drill.timings ?? {}), drill.scope ?? 'sample'],
      ...[JSON.stringify(drill.checks ?? []), JSON.stringify({ levelReached: drill.state === 'passed' ? level : 0 })],
      ...[drill.estimatedMs ?? null, drill.message ?? null, drill.remedy ?? null, drill.runner ?? 'service', at],
    ],
  );
  return id;
}

/** Computes the month as its job does, by the clock of the services. */
export async function rollUp({ services, tenant, customerId, month }: PlantPlace): Promise<void> {
  const id = await withScope(services, tenant.system, async (tx) => {
    const intent = await enqueueIntent(tx, tenant.system, 'rollup', { customerId, month });
    await tx.$executeRaw`UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE id = ${intent}::uuid`;
    return intent!;
  });
  const claim = await claimIntent(services, tenant.id, id);
  await rollUpMonth(services, claim!, { customerId, month });
}

/** Backups every hour and a half of the month, from the day before it; those that `lost` names are missed. */
export async function plantSteadyMonth(
  place: PlantPlace,
  source: PlantedSource,
  lost: (dueMs: number) => boolean = () => false,
  options: { bytes?: number; reason?: string } = {},
): Promise<string[]> {
  const { startMs, endMs } = monthWindow(place.month, place.timeZone);
  const points: string[] = [];
  for (let dueMs = startMs - 1.5 * HOUR; dueMs < endMs; dueMs += 1.5 * HOUR) {
    const point = await plantBackup(place, source, dueMs, lost(dueMs) ? 'missed' : 'ok', options);
    if (point !== null) points.push(point);
  }
  return points;
}
