/** Security bar S1, S2, S31: the walls stand around every table, also around one that somebody adds tomorrow. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestPostgres, startTestPostgres } from '../support/start-test-postgres.ts';

/** Migration bookkeeping holds no tenant's data. This list may only shrink. */
const EXEMPT = ['_prisma_migrations'];
const APP_ROLES = [
  'holdfast_app',
  'holdfast_auth',
  'holdfast_dispatcher',
  'holdfast_service',
  'holdfast_owner',
  'holdfast_queue',
];

let database: TestPostgres;
let admin: pg.Client;

beforeAll(async () => {
  database = await startTestPostgres();
  admin = new pg.Client({ connectionString: database.databaseUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.stop();
});

async function column(query: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(query, values);
  return rows.map(({ name }) => name);
}

const unprotected = `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relname = ANY ($1))
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT 1 FROM pg_policy p
      WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polname = 'tenant_wall'))`;

describe('every table with tenant data (S1)', () => {
  test('has forced row-level security and the tenant wall', async () => {
    expect(await column(unprotected, [EXEMPT])).toEqual([]);
  });

  test('is found when it has none: the check is not green on nothing', async () => {
    await admin.query('BEGIN');
    await admin.query('CREATE TABLE planted (tenant_id uuid NOT NULL, id uuid NOT NULL)');
    expect(await column(unprotected, [EXEMPT])).toEqual(['planted']);
    await admin.query('ROLLBACK');
  });

  test('that has a customer has the customer wall too', async () => {
    const open =
      await column(`SELECT DISTINCT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attname = 'customer_id'
        AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'customer_wall' AND NOT p.polpermissive)`);
    expect(open).toEqual([]);
  });

  test('carries the tenant in its primary key and in every foreign key', async () => {
    const keys = await column(`SELECT conrelid::regclass || '.' || conname AS name FROM pg_constraint k
      WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'f') AND k.conrelid NOT IN ('tenant'::regclass, '_prisma_migrations'::regclass)
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'tenant_id' AND a.attnum = ANY (k.conkey))`);
    expect(keys).toEqual([]);
  });

  test('shows no view that runs with its owner’s rights', async () => {
    const views =
      await column(`SELECT c.relname AS name FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace
      AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)`);
    expect(views).toEqual([]);
  });
});

describe('the roles (S2)', () => {
  test('are no superusers, bypass nothing, create nothing', async () => {
    const strong = await column(
      `SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1) AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
      [APP_ROLES],
    );
    expect(strong).toEqual([]);
    expect(await column('SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)', [APP_ROLES])).toHaveLength(
      APP_ROLES.length,
    );
  });

  test('own no table but the owner, who cannot sign in', async () => {
    const owners = await column(`SELECT DISTINCT pg_get_userbyid(relowner) AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'`);
    expect(owners).toEqual(['holdfast_owner']);
    expect(
      await column(`SELECT rolname AS name FROM pg_roles WHERE rolname = 'holdfast_owner' AND rolcanlogin`),
    ).toEqual([]);
  });

  test('may not change or empty the audit chain (S31)', async () => {
    const may = await column(
      `SELECT r || ' ' || p AS name FROM unnest($1::text[]) r, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
       WHERE r <> 'holdfast_owner' AND has_table_privilege(r, 'audit_event', p)`,
      [APP_ROLES],
    );
    expect(may).toEqual([]);
  });

  test('that log in have no right on any table before a wrapper gives them one', async () => {
    const may =
      await column(`SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND c.relacl::text LIKE '%holdfast_service=%'`);
    expect(may).toEqual([]);
    const service = new pg.Client({ connectionString: database.serviceUrl });
    await service.connect();
    // Without a role not even the schema is there for it.
    await expect(service.query('SELECT 1 FROM public.device')).rejects.toThrow(/permission denied for schema/);
    await service.end();
  });
});
