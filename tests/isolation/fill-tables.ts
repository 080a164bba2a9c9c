/** One row in every table for a customer, written past the walls: an empty table would make every test of isolation green. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { sourceMonthRow } from './fill-figures.ts';
import { reportRows } from './fill-reports.ts';
import { customerDay, tenantDay } from './day-rows.ts';
import { deliveryRows } from './fill-delivery.ts';
import { restoreRows } from './restore-rows.ts';
import { alertRows } from './alert-rows.ts';

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
    damage: ids.damage,
    drill: ids.drill,
    evidence_key: ids.key,
    notification_channel: ids.channel,
    sla_excuse: ids.excuse,
    alert_rule: ids.rule,
    alert: ids.alert,
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
    damage: randomUUID(),
    drill: randomUUID(),
    excuse: randomUUID(),
    key: hex(),
    channel: randomUUID(),
    rule: randomUUID(),
    alert: randomUUID(),
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
    | 'user'
    | 'policy'
    | 'device'
    | 'source'
    | 'vault'
    | 'occurrence'
    | 'command'
    | 'run'
    | 'point'
    | 'download'
    | 'damage'
    | 'drill'
    | 'excuse'
    | 'key'
    | 'channel'
    | 'rule'
    | 'alert',
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
    ['device_summary', { ...device, computed_at: at }],
    ['device_watch', { ...device, policy_id: ids.policy, enrolled_at: at, is_troubled: false, facts: {} }],
    ['device_dirty', device],
    ['device_card', { ...device, note: 'canary', noted_by: ids.user, noted_at: at }],
    [
      'device_field',
      { tenant_id: tenantId, id: randomUUID(), key: `c${randomUUID()}`, label: 'canary', kind: 'text', created_at: at },
    ],
    [
      'fleet_view',
      {
        tenant_id: tenantId,
        id: randomUUID(),
        owner_id: ids.user,
        is_shared: true,
        name: `canary ${randomUUID()}`,
        filter: '',
        columns: [],
        density: 'compact',
        created_at: at,
        updated_at: at,
      },
    ],
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
        state: 'quarantined',
        // Only what is locked away can have lost something.
        quarantine_reason: 'canary',
        outcome: 'ok',
        is_usable: false,
        files: 1,
        bytes: 1,
        stored_bytes: 1,
        pack_ids: [],
        witness: [],
      },
    ],
    [
      'damage',
      {
        ...device,
        ...vault,
        id: ids.damage,
        // One that was given up: then somebody has accepted it.
        state: 'lost',
        ended_at: at,
        accepted_by: ids.user,
        accepted_at: at,
        accept_reason: 'canary',
        objects: [],
        keys: [],
        command_id: ids.command,
        found_at: at,
      },
    ],
    ['damage_event', { ...own, damage_id: ids.damage, sequence: 1, at, kind: 'found' }],
    ['vault_check', { ...device, ...vault, listing_due_at: later, reading_due_at: later, decrypting_due_at: later }],
    [
      'verification',
      { ...device, ...vault, id: randomUUID(), damage_id: ids.damage, purpose: 'trace', level: 2, state: 'void' },
    ],
    ['verification', { ...device, ...vault, ...point, id: randomUUID(), level: 1, state: 'queued' }],
    [
      'drill',
      {
        ...source,
        ...vault,
        ...point,
        id: ids.drill,
        level: 3,
        trigger: 'manual',
        state: 'queued',
        seed: 'canary',
        requested_by: ids.user,
      },
    ],
    [
      'system_test',
      {
        tenant_id: tenantId,
        customer_id: customerId,
        source_id: ids.source,
        document: {},
        version: 1,
        changed_by: ids.user,
        changed_at: at,
      },
    ],
    [
      'drill_picture',
      {
        ...own,
        drill_id: ids.drill,
        sha256: createHash('sha256').update('').digest('hex'),
        width: 1,
        height: 1,
        png: '\\x',
        created_at: at,
      },
    ],
    [
      'evidence_key',
      // Retired, for one signs at a time.
      {
        tenant_id: tenantId,
        id: ids.key,
        public_key: 'canary',
        private_key_sealed: '\\x00',
        endorsed_by: ids.key,
        endorsement: 'canary',
        created_at: at,
        retired_at: at,
      },
    ],
    [
      'evidence_record',
      {
        ...own,
        sequence: 1_000_000 + Math.floor(Math.random() * 1_000_000),
        id: randomUUID(),
        kind: 'drill',
        drill_id: ids.drill,
        at,
        text: 'canary',
        key_id: ids.key,
        signature: 'canary',
        previous_hash: hex(),
        hash: hex(),
      },
    ],
    ['evidence_head', { ...own, sequence: 0, hash: hex() }],
    [
      'evidence_anchor',
      {
        ...own,
        day: '2026-11-20',
        sequence: 1,
        hash: hex(),
        text: 'canary',
        signature: 'canary',
        is_locked: false,
        created_at: at,
      },
    ],
    ...alertRows({ tenantId, own, device, at, ids }),
    ['restore_grant', { ...device, ...vault, ...point, id: randomUUID(), granted_by: ids.user, expires_at: later }],
    ...restoreRows({ device, point, at, later, userId: ids.user }),
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
    ...reportRows(own, ids.user),
    sourceMonthRow(source),
    ...deliveryRows(own, ids.channel),
    [
      'sla_contract_version',
      {
        ...own,
        version: 1,
        valid_from: at,
        terms: {},
        reason: 'canary',
        created_by: ids.user,
        created_at: at,
      },
    ],
    [
      'sla_excuse',
      {
        ...source,
        id: ids.excuse,
        occurrence_id: ids.occurrence,
        starts_at: at,
        ends_at: later,
        reason: 'canary',
        state: 'withdrawn',
        requested_by: ids.user,
        requested_at: at,
        decided_by: ids.user,
        decided_at: at,
        withdrawn_by: ids.user,
        withdrawn_at: at,
        withdrawal_words: 'canary',
      },
    ],
    ['tenant_day', tenantDay(tenantId, at)],
    ['sla_dirty', { ...own, id: randomUUID(), month: '2026-11', from_day: '2026-11-21', cause: 'canary', at }],
    ['customer_day', customerDay(own, at)],
    [
      'customer_month',
      {
        ...own,
        month: '2026-11',
        window_end: at,
        figures: {},
        sources: 0,
        below_target: 0,
        credit: 0,
        computed_at: at,
      },
    ],
    ['sla_amendment', { ...own, id: randomUUID(), month: '2026-11', figure: 'canary', cause: 'canary', at }],
    // Done long ago, so that no dispatcher takes it.
    ['job_intent', { ...own, id: randomUUID(), kind: 'housekeeping', queue: 'sweep', payload: {}, state: 'done' }],
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
