/**
 * Every table, filled for two providers with two customers each: who is inside one wall reads, changes, removes, adds and
 * points at nothing beyond it. The tables come from the catalogue, so that a new one is tested from its first day.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scope } from '../../server/access/scope.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { createTestTenant, type TestTenant } from '../../server/testing/test-services.ts';
import { addParents, fillTables } from './fill-tables.ts';
import { type StartedTestServices, startTestServices } from '../../server/testing/start-test-services.ts';

interface Table {
  readonly name: string;
  /** The column that names the tenant. */
  readonly tenant: string;
  /** The column that names the customer, where there is one. */
  readonly customer: string | undefined;
  readonly isReadable: boolean;
  /** A column that use-cases may change. */
  readonly changeable: string | undefined;
}

const ALL_TABLES = `
  SELECT c.relname AS name, has_any_column_privilege('holdfast_app', c.oid, 'SELECT') AS "isReadable",
    EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'customer_id') AS "hasCustomer",
    (SELECT min(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND has_column_privilege('holdfast_app', c.oid, a.attnum, 'UPDATE')) AS changeable
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> '_prisma_migrations'
  ORDER BY 1`;

let admin: pg.Client;
let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let tables: Table[];

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
  for (const tenant of [ours, theirs]) {
    for (const { id } of tenant.customers) await fillTables(admin, tenant.id, id);
  }
  const { rows } = await admin.query<Table & { hasCustomer: boolean }>(ALL_TABLES);
  tables = rows.map(({ name, isReadable, changeable, hasCustomer }) => ({
    name,
    isReadable,
    changeable: changeable ?? undefined,
    tenant: name === 'tenant' ? 'id' : 'tenant_id',
    customer: name === 'customer' ? 'id' : hasCustomer ? 'customer_id' : undefined,
  }));
});
afterAll(() => services.stop());

/** Rows, or changed rows; the text is made of names from the catalogue and of ids. */
async function countIn(scope: Scope, table: string, where: string): Promise<number> {
  const sql = `SELECT count(*) AS n FROM ${table} WHERE ${where}`;
  const rows = await withScope(services, scope, (tx) => tx.$queryRawUnsafe<{ n: bigint }[]>(sql));
  return Number(rows[0]?.n);
}
async function executeIn(scope: Scope, sql: string, ...values: unknown[]): Promise<number | 'refused'> {
  try {
    return await withScope(services, scope, (tx) => tx.$executeRawUnsafe(sql, ...values));
  } catch (error) {
    if (/permission denied|row-level security/.test(String(error))) return 'refused';
    throw error;
  }
}
async function countAll(table: string, where: string): Promise<number> {
  return Number((await admin.query<{ n: string }>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`)).rows[0]?.n);
}
/** Everything that row-level security lets `holdfast_app` see under these settings alone. */
async function visibleWith(settings: Readonly<Record<string, string>>): Promise<string[]> {
  const client = new pg.Client({ connectionString: services.database.serviceUrl });
  await client.connect();
  const seen: string[] = [];
  await client.query('BEGIN');
  await client.query('SET LOCAL ROLE holdfast_app');
  for (const [name, value] of Object.entries(settings))
    await client.query('SELECT set_config($1, $2, true)', [name, value]);
  for (const { name } of tables.filter(({ isReadable }) => isReadable)) {
    const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`);
    if (Number(rows[0]?.n) > 0) seen.push(name);
  }
  await client.query('ROLLBACK');
  await client.end();
  return seen;
}

const named = <T>(results: readonly (readonly [string, T])[], fine: (value: T) => boolean): string[] =>
  results.filter(([, value]) => !fine(value)).map(([name, value]) => `${name}: ${String(value)}`);

test('every table holds rows of both tenants and of both customers: nothing below is green on nothing', async () => {
  const empty: string[] = [];
  for (const { name, tenant, customer } of tables) {
    for (const { id, customers } of [ours, theirs]) {
      if ((await countAll(name, `${tenant} = '${id}'`)) === 0) empty.push(`${name} of a tenant`);
      if (customer === undefined) continue;
      for (const { id: customerId } of customers) {
        if ((await countAll(name, `${customer} = '${customerId}'`)) === 0) empty.push(`${name} of a customer`);
      }
    }
  }
  expect(empty).toEqual([]);
  expect(tables.length).toBeGreaterThan(25);
});

describe('reading', () => {
  test('a tenant sees its own rows of every table and none of another tenant', async () => {
    for (const { name, tenant } of tables.filter(({ isReadable }) => isReadable)) {
      const own = await countIn(ours.owner, name, `${tenant} = '${ours.id}'`);
      const others = await countIn(ours.owner, name, `${tenant} <> '${ours.id}'`);
      expect([name, own > 0, others]).toEqual([name, true, 0]);
    }
  });

  test('a customer’s user sees its own rows of every table and none of another customer, nor of the provider', async () => {
    const [first, second] = ours.customers;
    for (const { name, customer } of tables.filter(({ isReadable }) => isReadable)) {
      if (customer === undefined) continue;
      const own = await countIn(first.viewer, name, `${customer} = '${first.id}'`);
      const others = await countIn(first.viewer, name, `${customer} IS DISTINCT FROM '${first.id}'`);
      expect([name, own > 0, others]).toEqual([name, true, 0]);
      expect([name, await countIn(second.viewer, name, `${customer} = '${first.id}'`)]).toEqual([name, 0]);
    }
  });

  test('without a tenant nothing is seen, and with a tenant but no customer nothing that has one', async () => {
    expect(await visibleWith({})).toEqual([]);
    expect(await visibleWith({ 'app.tenant_id': '', 'app.customer_id': 'every' })).toEqual([]);
    const withCustomer = new Set(tables.flatMap(({ name, customer }) => (customer === undefined ? [] : [name])));
    const seen = await visibleWith({ 'app.tenant_id': ours.id });
    expect(seen).toContain('tenant');
    expect(seen.filter((name) => withCustomer.has(name))).toEqual([]);
    expect(await visibleWith({ 'app.tenant_id': ours.id, 'app.customer_id': 'every' })).toContain('device');
  });
});

describe('writing', () => {
  test('an update reaches no row beyond the walls, in any table', async () => {
    const [first, second] = ours.customers;
    const results: [string, number | 'refused'][] = [];
    for (const { name, tenant, customer, changeable } of tables) {
      const column = changeable ?? tenant;
      const update = (where: string): string => `UPDATE ${name} SET ${column} = ${column} WHERE ${where}`;
      results.push([name, await executeIn(ours.owner, update(`${tenant} = '${theirs.id}'`))]);
      if (customer !== undefined) {
        results.push([`${name}, customer`, await executeIn(second.viewer, update(`${customer} = '${first.id}'`))]);
      }
    }
    expect(named(results, (touched) => touched === 0 || touched === 'refused')).toEqual([]);
    // the same statement reaches rows inside of them
    const inside = `UPDATE device SET name = name WHERE tenant_id = '${ours.id}'`;
    expect(await executeIn(ours.owner, inside)).toBe(2);
  });

  test('a delete reaches no row beyond the walls, in any table', async () => {
    const [first, second] = ours.customers;
    for (const { name, tenant, customer } of tables) {
      const before = await countAll(name, 'true');
      await executeIn(ours.owner, `DELETE FROM ${name} WHERE ${tenant} = '${theirs.id}'`);
      if (customer !== undefined)
        await executeIn(second.viewer, `DELETE FROM ${name} WHERE ${customer} = '${first.id}'`);
      expect([name, await countAll(name, 'true')]).toEqual([name, before]);
    }
  });

  test('a row of another tenant or customer can be added to no table', async () => {
    const [first, second] = ours.customers;
    const results: [string, number | 'refused'][] = [];
    const add = async (scope: Scope, name: string, where: string): Promise<number | 'refused'> => {
      // A true row of theirs, so that nothing but the walls speaks against it.
      const { rows } = await admin.query<{ row: object }>(
        `SELECT to_jsonb(t) AS row FROM ${name} t WHERE ${where} LIMIT 1`,
      );
      const columns = Object.keys(rows[0]?.row ?? {}).join(', ');
      const sql = `INSERT INTO ${name} (${columns}) SELECT ${columns} FROM jsonb_populate_record(NULL::${name}, $1::jsonb)`;
      return await executeIn(scope, sql, JSON.stringify(rows[0]?.row));
    };
    for (const { name, tenant, customer } of tables) {
      results.push([name, await add(ours.owner, name, `${tenant} = '${theirs.id}'`)]);
      if (customer !== undefined) {
        results.push([`${name}, customer`, await add(second.viewer, name, `${customer} = '${first.id}'`)]);
      }
    }
    expect(named(results, (added) => added === 'refused')).toEqual([]);
  });

  test('no foreign key can be made to point beyond the walls, not even by the administrator', async () => {
    const { rows: keys } = await admin.query<{
      name: string;
      from: string;
      to: string;
      columns: string[];
    }>(`
      SELECT k.conname AS name, k.conrelid::regclass::text AS "from", k.confrelid::regclass::text AS "to",
        (SELECT array_agg(a.attname::text ORDER BY n) FROM unnest(k.conkey) WITH ORDINALITY u(num, n)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns
      FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace`);
    expect(keys.length).toBeGreaterThan(40);
    const foreign = await addParents(admin, theirs.id, theirs.customers[0].id);
    const neighbouring = await addParents(admin, ours.id, ours.customers[1].id);
    const crossed: string[] = [];
    for (const { name, from, to, columns } of keys) {
      const own = columns.filter((column) => column !== 'tenant_id');
      if (own.length === 0) continue; // points at the tenant itself
      const isOfCustomer = columns.includes('customer_id');
      // The tenant, and the customer where only what it owns is pointed at, stay as they are.
      const moved = own.filter((column) => column !== 'customer_id' || to === 'customer');
      for (const parents of isOfCustomer && to !== 'customer' ? [foreign, neighbouring] : [foreign]) {
        const set = moved.map((column) => `${column} = '${parents[to] ?? ''}'`);
        const mine = isOfCustomer ? `customer_id = '${ours.customers[0].id}'` : `tenant_id = '${ours.id}'`;
        await admin.query('BEGIN');
        const outcome = await admin.query(`UPDATE ${from} SET ${set.join(', ')} WHERE ${mine}`).then(
          (result) => `${name} took ${result.rowCount} rows`,
          (error: { code?: string }) => error.code,
        );
        await admin.query('ROLLBACK');
        // Not there, for who looks from this side; 23001 when rows that hang on the moved one object first.
        if (outcome !== '23503' && outcome !== '23001') crossed.push(`${name}: ${outcome}`);
      }
    }
    expect(crossed).toEqual([]);
  });
});
