/** One row in every table for a customer, written past the walls: an empty table would make every test of isolation green. */
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';

type Row = Readonly<Record<string, unknown>>;

const hex = (): string => randomBytes(32).toString('hex');

/** `client` is the administrator. Tenant and customer exist already; all the rest is new. */
export async function fillTables(client: pg.Client, tenantId: string, customerId: string): Promise<void> {
  for (const [table, row] of rowsOf(tenantId, customerId, newIds())) await insert(client, table, row);
}

/** Rows that may be pointed at and that nothing points at yet: by table, their ids. */
export async function addParents(
  client: pg.Client,
  tenantId: string,
  customerId: string,
): Promise<Readonly<Record<string, string>>> {
  const ids = newIds();
  const lone = newIds();
  const parents: Readonly<Record<string, string>> = {
    app_user: ids.user,
    policy: ids.policy,
    source: ids.source,
    vault: ids.vault,
    agent_command: ids.command,
    expected_occurrence: ids.occurrence,
    backup_run: ids.run,
    restore_point: ids.point,
  };
  const ofLone = rowsOf(tenantId, customerId, lone).filter(([table]) => table === 'policy' || table === 'device');
  const rows = rowsOf(tenantId, customerId, ids).filter(([table]) => table === 'device' || table in parents);
  for (const [table, row] of [...rows, ...ofLone]) await insert(client, table, row);
  // A device without a vault: one with would refuse a second vault for another reason.
  return { ...parents, device: lone.device, customer: customerId };
}

function newIds(): Ids {
  return {
    user: randomUUID(),
    policy: randomUUID(),
    device: randomUUID(),
    source: randomUUID(),
    vault: randomUUID(),
    occurrence: randomUUID(),
    command: randomUUID(),
    run: randomUUID(),
    point: randomUUID(),
    download: randomUUID(),
  };
}

async function insert(client: pg.Client, table: string, row: Row): Promise<void> {
  // Columns that have a default are left to it.
  const columns = Object.keys(row).join(', ');
  await client.query(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_record(NULL::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

type Ids = Readonly<
  Record<
    'user' | 'policy' | 'device' | 'source' | 'vault' | 'occurrence' | 'command' | 'run' | 'point' | 'download',
    string
  >
>;

function rowsOf(tenantId: string, customerId: string, ids: Ids): [string, Row][] {
  const own = { tenant_id: tenantId, customer_id: customerId };
  const at = new Date().toISOString();
  const later = new Date(Date.now() + 60_000).toISOString();
  const device = { ...own, device_id: ids.device };
  const source = { ...device, source_id: ids.source };
  const vault = { vault_id: ids.vault };
  const point = { restore_point_id: ids.point };
  const email = `${ids.user}@x.test`;
  return [
    ['app_user', { ...own, id: ids.user, email, name: 'canary', role: 'customer_viewer', password_hash: 'none' }],
    [
      'user_session',
      { tenant_id: tenantId, id: randomUUID(), user_id: ids.user, token_hash: hex(), expires_at: later },
    ],
    ['policy', { ...own, id: ids.policy, name: 'canary', document: {} }],
    [
      'device',
      {
        ...own,
        id: ids.device,
        policy_id: ids.policy,
        name: 'canary',
        hostname: 'canary',
        os: 'linux',
        arch: 'x64',
        agent_version: '0',
        public_key: 'none',
      },
    ],
    [
      'enrolment_token',
      {
        ...own,
        id: randomUUID(),
        policy_id: ids.policy,
        token_hash: hex(),
        label: 'canary',
        expires_at: later,
        used_at: at,
        used_by_device_id: ids.device,
        created_by: ids.user,
      },
    ],
    ['device_state', device],
    ['device_nonce', { ...device, nonce: 'canary' }],
    ['source', { ...device, id: ids.source, kind: 'files', name: 'canary' }],
    ['vault', { ...device, id: ids.vault, prefix: `v/${tenantId}/${ids.vault}`, custody: 'escrowed', state: 'new' }],
    [
      'agent_command',
      { ...device, id: ids.command, kind: 'backup_now', payload: {}, state: 'pending', created_by: ids.user },
    ],
    ['expected_occurrence', { ...source, id: ids.occurrence, due_at: at, window_end: later }],
    [
      'backup_run',
      {
        ...source,
        ...vault,
        id: ids.run,
        occurrence_id: ids.occurrence,
        command_id: ids.command,
        trigger: 'manual',
        state: 'committed',
        started_at: at,
        last_progress_at: at,
      },
    ],
    ['run_manifest', { ...own, run_id: ids.run, text: 'canary', signature: 'none' }],
    [
      'stored_object',
      {
        ...own,
        ...vault,
        key: `index/${hex()}`,
        kind: 'index',
        size: 1,
        crc32c: 'AAAAAA==',
        state: 'committed',
        run_id: ids.run,
      },
    ],
    [
      'restore_point',
      {
        ...source,
        ...vault,
        id: ids.point,
        run_id: ids.run,
        snapshot_id: hex(),
        tree_id: hex(),
        capture_at: at,
        committed_at: at,
        sealed_at: at,
        state: 'sealed',
        outcome: 'ok',
        is_usable: true,
        files: 1,
        bytes: 1,
        stored_bytes: 1,
        pack_ids: [],
        witness: [],
      },
    ],
    ['verification', { ...device, ...vault, ...point, id: randomUUID(), level: 1, state: 'queued' }],
    [
      'drill',
      {
        ...source,
        ...vault,
        ...point,
        id: randomUUID(),
        level: 3,
        trigger: 'manual',
        state: 'queued',
        seed: 'canary',
        requested_by: ids.user,
      },
    ],
    ['alert', { ...device, id: randomUUID(), kind: 'silent', title: 'canary', message: 'canary' }],
    ['restore_grant', { ...device, ...vault, ...point, id: randomUUID(), granted_by: ids.user, expires_at: later }],
    ['folder_listing', { ...own, ...point, id: randomUUID(), path: '/canary', state: 'queued', expires_at: later }],
    [
      'download',
      {
        ...own,
        ...point,
        id: ids.download,
        path: '/canary',
        kind: 'file',
        file_name: 'canary',
        state: 'queued',
        requested_by: ids.user,
        expires_at: later,
      },
    ],
    [
      'source_month',
      {
        ...source,
        month: '2026-11',
        window_start: at,
        window_end: later,
        window_seconds: 60,
        violation_seconds: 0,
        rpo_seconds: 60,
        restore_points: 1,
        expected: 1,
        ok: 1,
        late: 0,
        partial: 0,
        failed: 0,
        missed: 0,
        excused: 0,
        drills_passed: 0,
        drills_failed: 0,
        drills_void: 0,
        computed_at: at,
      },
    ],
    // Done long ago, so that no dispatcher takes it.
    ['job_intent', { ...own, id: randomUUID(), kind: 'housekeeping', queue: 'control', payload: {}, state: 'done' }],
    [
      'audit_event',
      {
        ...own,
        sequence: 1_000_000 + Math.floor(Math.random() * 1_000_000),
        at,
        actor_kind: 'system',
        action: 'tenant.created',
        subject_kind: 'tenant',
        data: {},
        previous_hash: hex(),
        hash: hex(),
      },
    ],
  ];
}
