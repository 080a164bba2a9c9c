/** Two providers with two customers each: nobody reads, writes or points at what is not theirs. */
import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { signEnrolment } from '../../core/protocol/enrolment-proof.ts';
import type { EnrolResponse } from '../../core/protocol/messages.ts';
import type { Scope } from '../../server/access/scope.ts';
import { verifyAuditChain } from '../../server/audit/verify-audit-chain.ts';
import { applyChange } from '../../server/changes/apply-change.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { enrolDevice } from '../../server/devices/enrol-device.ts';
import { createTestTenant, type TestTenant } from '../../server/testing/test-services.ts';
import { type StartedTestServices, startTestServices } from '../../server/testing/start-test-services.ts';

let admin: pg.Client;
let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let theirDevice: EnrolResponse;
let ourDevice: EnrolResponse;

async function enrol(token: string): Promise<EnrolResponse> {
  const keys = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const request = {
    token,
    publicKey: keys.publicKey,
    hostname: 'host',
    os: 'linux',
    arch: 'x64',
    agentVersion: '0.1.0',
  };
  const body = Buffer.from(JSON.stringify(request));
  return await enrolDevice(services, request, { body, signature: signEnrolment(body, keys.privateKey) });
}

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
  ourDevice = await enrol(await ours.customers[0].createToken());
  theirDevice = await enrol(await theirs.customers[0].createToken());
});
afterAll(() => services.stop());

async function tablesWith(columnName: string): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = $1
       AND has_any_column_privilege('holdfast_app', c.oid, 'SELECT') ORDER BY 1`,
    [columnName],
  );
  return rows.map(({ name }) => name);
}

async function countIn(scope: Scope, table: string, where: string): Promise<number> {
  // The names come from the catalogue above; an unprepared text is needed to name a table at all.
  const rows = await withScope(services, scope, (tx) =>
    tx.$queryRawUnsafe<{ n: bigint }[]>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`),
  );
  return Number(rows[0]?.n);
}

describe('reading', () => {
  test('every table shows a tenant none of another tenant’s rows', async () => {
    const tables = await tablesWith('tenant_id');
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables)
      expect([table, await countIn(ours.owner, table, `tenant_id = '${theirs.id}'`)]).toEqual([table, 0]);
    // and the rows are there: the zero above means something
    expect(await countIn(theirs.owner, 'device', `tenant_id = '${theirs.id}'`)).toBe(1);
  });

  test('every table shows a customer’s user none of another customer’s rows', async () => {
    const [first, second] = ours.customers;
    for (const table of await tablesWith('customer_id')) {
      expect([table, await countIn(second.viewer, table, `customer_id = '${first.id}'`)]).toEqual([table, 0]);
    }
    expect(await countIn(first.viewer, 'device', 'true')).toBe(1);
    expect(await countIn(second.viewer, 'device', 'true')).toBe(0);
  });

  test('no use-case can read a password hash', async () => {
    await expect(countIn(ours.owner, 'app_user', `password_hash <> ''`)).rejects.toThrow(/permission denied/);
  });

  test('a scope that was not minted is refused', async () => {
    const forged = { ...ours.owner, tenantId: theirs.id } as Scope;
    await expect(withScope(services, forged, (tx) => tx.device.count())).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('nothing of a transaction’s scope is left on its connection', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => countIn(at % 2 === 0 ? ours.owner : theirs.owner, 'device', 'true')),
    );
    for (let at = 0; at < 40; at += 1) {
      const tenant = at % 2 === 0 ? ours : theirs;
      expect(await countIn(tenant.owner, 'device', `tenant_id <> '${tenant.id}'`)).toBe(0);
    }
  });
});

describe('writing', () => {
  test('a row for another tenant is refused', async () => {
    const id = newId();
    const insert = withScope(services, ours.owner, (tx) =>
      tx.customer.create({ data: { tenantId: theirs.id, id, name: 'x' } }),
    );
    await expect(insert).rejects.toThrow();
    expect(await countIn(theirs.owner, 'customer', `id = '${id}'`)).toBe(0);
  });

  test('a row that points at another tenant’s device is refused by its foreign key', async () => {
    const insert = admin.query(
      `INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name) VALUES ($1, $2, $3, $4, 'files', 'x')`,
      [ours.id, newId(), ours.customers[0].id, theirDevice.deviceId],
    );
    await expect(insert).rejects.toThrow(/foreign key/);
  });

  test('a row of one customer cannot point at the device of another', async () => {
    const insert = admin.query(
      `INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name) VALUES ($1, $2, $3, $4, 'files', 'x')`,
      [ours.id, newId(), ours.customers[1].id, ourDevice.deviceId],
    );
    await expect(insert).rejects.toThrow(/foreign key/);
  });

  test('a row never changes hands', async () => {
    const move = withScope(
      services,
      ours.owner,
      (tx) =>
        tx.$executeRaw`UPDATE device SET customer_id = ${ours.customers[1].id}::uuid WHERE id = ${ourDevice.deviceId}::uuid`,
    );
    await expect(move).rejects.toThrow(/permission denied/);
  });

  test('an update of another tenant’s rows touches none', async () => {
    const touched = await withScope(services, ours.owner, (tx) =>
      tx.device.updateMany({ where: { id: theirDevice.deviceId }, data: { name: 'ours now' } }),
    );
    expect(touched.count).toBe(0);
  });
});

describe('one enrolment token', () => {
  test('enrols exactly one machine, however many try at once (S20)', async () => {
    const token = await ours.customers[1].createToken();
    const results = await Promise.allSettled(Array.from({ length: 200 }, () => enrol(token)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = new Set(
      results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : [])),
    );
    codes.delete('P2028'); // on a busy machine: it found no free connection in time, and enrolled nobody either
    expect([...codes]).toEqual(['token_used']);
    expect(await countIn(ours.owner, 'device', `customer_id = '${ours.customers[1].id}'`)).toBe(1);
  });

  test('of a day ago is refused', async () => {
    const token = await ours.customers[0].createToken();
    services.clock.advance(25 * 60 * 60_000);
    await expect(enrol(token)).rejects.toMatchObject({ code: 'token_expired' });
    services.clock.advance(-25 * 60 * 60_000);
  });

  test('that was changed by one letter is refused', async () => {
    const token = await ours.customers[0].createToken();
    const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    await expect(enrol(changed)).rejects.toMatchObject({ code: 'token_invalid' });
  });
});

describe('the audit chain (S30, S32)', () => {
  test('is whole after many writers at once', async () => {
    await Promise.all(
      Array.from({ length: 30 }, () =>
        applyChange(services, theirs.system, ({ audit }) => audit('backup.requested', { kind: 'device', id: null })),
      ),
    );
    expect(await verifyAuditChain(services, theirs.owner)).toBeUndefined();
  });

  test('a change without an audit row is rolled back', async () => {
    const id = newId();
    const silent = applyChange(services, ours.owner, ({ tx }) =>
      tx.customer.create({ data: { tenantId: ours.id, id, name: 'silent' } }),
    );
    await expect(silent).rejects.toMatchObject({ code: 'internal' });
    expect(await countIn(ours.owner, 'customer', `id = '${id}'`)).toBe(0);
  });

  test.each([
    ['edit', 'content', `UPDATE audit_event SET data = '{"name":"forged"}' WHERE tenant_id = $1 AND sequence = 2`],
    ['deletion', 'gap', 'DELETE FROM audit_event WHERE tenant_id = $1 AND sequence = 2'],
    [
      'cut end',
      'head',
      'DELETE FROM audit_event WHERE tenant_id = $1 AND sequence = (SELECT max(sequence) FROM audit_event WHERE tenant_id = $1)',
    ],
    ['swap', 'link', ''],
    [
      'insertion',
      'content',
      `INSERT INTO audit_event (tenant_id, sequence, at, actor_kind, action, subject_kind, data, previous_hash, hash)
       SELECT tenant_id, sequence + 1, now(), 'system', 'tenant.created', 'tenant', '{}', hash, repeat('a', 64)
       FROM audit_event WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1`,
    ],
  ])('shows an %s by somebody with the database', async (_what, problem, forgery) => {
    const client = new pg.Client({ connectionString: services.database.databaseUrl });
    await client.connect();
    await client.query(`CREATE TEMP TABLE kept AS SELECT * FROM audit_event WHERE tenant_id = '${theirs.id}'`);
    if (_what === 'swap') {
      await client.query('UPDATE audit_event SET sequence = 1000000 WHERE tenant_id = $1 AND sequence = 2', [
        theirs.id,
      ]);
      await client.query('UPDATE audit_event SET sequence = 2 WHERE tenant_id = $1 AND sequence = 3', [theirs.id]);
      await client.query('UPDATE audit_event SET sequence = 3 WHERE tenant_id = $1 AND sequence = 1000000', [
        theirs.id,
      ]);
    } else await client.query(forgery, [theirs.id]);
    expect((await verifyAuditChain(services, theirs.owner))?.problem).toBe(problem);
    await client.query('DELETE FROM audit_event WHERE tenant_id = $1', [theirs.id]);
    await client.query('INSERT INTO audit_event SELECT * FROM kept');
    await client.end();
  });
});
