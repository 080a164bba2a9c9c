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

  test('joins by foreign keys that pair tenant with tenant, and customer with customer where both have one', async () => {
    const pairs = `SELECT k.oid, k.conrelid, k.confrelid, k.conname, a.attname AS here, b.attname AS there
      FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(here, there)
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.here
      JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.there
      WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace`;
    const wrong = await column(`WITH pairs AS (${pairs}) SELECT DISTINCT conname AS name FROM pairs p WHERE
      NOT EXISTS (SELECT 1 FROM pairs q WHERE q.oid = p.oid AND q.here = 'tenant_id'
        AND q.there = CASE WHEN q.confrelid = 'tenant'::regclass THEN 'id' ELSE 'tenant_id' END)
      OR (p.confrelid NOT IN ('tenant'::regclass, 'app_user'::regclass, 'customer'::regclass) -- staff have no customer
        AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = p.conrelid AND a.attname = 'customer_id')
        AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = p.confrelid AND a.attname = 'customer_id')
        AND NOT EXISTS (SELECT 1 FROM pairs q WHERE q.oid = p.oid AND q.here = 'customer_id' AND q.there = 'customer_id'))`);
    expect(wrong).toEqual([]);
  });

  test('opens to other roles only where this list says so', async () => {
    const policies = await column(
      `SELECT tablename || ' ' || policyname || ' ' || array_to_string(roles, ',') AS name FROM pg_policies
       WHERE schemaname = 'public' AND policyname NOT IN ('tenant_wall', 'customer_wall', 'app_access') ORDER BY 1`,
    );
    expect(policies).toEqual([
      'app_user auth_by_email holdfast_auth',
      'app_user auth_by_session holdfast_auth',
      'audit_event chain_writer holdfast_owner',
      'audit_head chain_writer holdfast_owner',
      'evidence_head chain_writer holdfast_owner',
      'evidence_record chain_writer holdfast_owner',
      'job_intent dispatcher_forgets holdfast_dispatcher',
      'job_intent dispatcher_moves holdfast_dispatcher',
      'job_intent dispatcher_reads holdfast_dispatcher',
      'tenant dispatcher_reads holdfast_dispatcher',
      // RESTRICTIVE: closes the sums over all customers to the users of one.
      'tenant_day provider_wall holdfast_app',
      'user_session auth_by_token holdfast_auth',
    ]);
    const permissive = await column(
      `SELECT tablename || ' ' || array_to_string(roles, ',') AS name FROM pg_policies
       WHERE schemaname = 'public' AND ((policyname = 'app_access') <> (permissive = 'PERMISSIVE' AND roles = '{holdfast_app}'))
         AND policyname IN ('tenant_wall', 'customer_wall', 'app_access')`,
    );
    expect(permissive).toEqual([]);
  });

  test('lets no row change its tenant, customer or key, and nobody empty, hook or point at a table', async () => {
    const keys =
      await column(`SELECT table_name || '.' || column_name AS name FROM information_schema.column_privileges p
      WHERE table_schema = 'public' AND grantee LIKE 'holdfast%' AND grantee <> 'holdfast_owner' AND privilege_type = 'UPDATE'
        AND (column_name IN ('tenant_id', 'customer_id') OR EXISTS (SELECT 1 FROM pg_index i
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
          WHERE i.indisprimary AND i.indrelid = to_regclass('public.' || quote_ident(p.table_name)) AND a.attname = p.column_name))`);
    expect(keys).toEqual([]);
    const strong =
      await column(`SELECT grantee || ' ' || privilege_type || ' ' || table_name AS name FROM information_schema.table_privileges
      WHERE table_schema = 'public' AND (grantee LIKE 'holdfast%' OR grantee = 'PUBLIC') AND grantee <> 'holdfast_owner'
        AND (grantee = 'PUBLIC' OR privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')) AND table_name <> '_prisma_migrations'`);
    expect(strong).toEqual([]);
  });

  test('leaves no room for a tenant beside it: what belongs to nobody is these columns and no others', async () => {
    const columns = await column(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'service' ORDER BY 1`,
    );
    expect(columns).toEqual([
      'queue_canary.queue',
      'queue_canary.returned_at',
      'queue_canary.returned_number',
      'queue_canary.round_trip_ms',
      'queue_canary.sent_at',
      'queue_canary.sent_number',
      'worker_lane.busy',
      'worker_lane.queue',
      'worker_lane.seen_at',
      'worker_lane.slots',
      'worker_lane.started_at',
      'worker_lane.worker_id',
    ]);
    const writers = await column(
      `SELECT DISTINCT grantee || ' ' || privilege_type AS name FROM information_schema.table_privileges
       WHERE table_schema = 'service' AND privilege_type <> 'SELECT' AND grantee <> 'holdfast_owner' ORDER BY 1`,
    );
    expect(writers).toEqual(['holdfast_dispatcher DELETE', 'holdfast_dispatcher INSERT', 'holdfast_dispatcher UPDATE']);
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

  test('are members of nothing but what they may become', async () => {
    const memberships = await column(
      `SELECT m.rolname || ' in ' || r.rolname AS name FROM pg_auth_members a
       JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ANY ($1) ORDER BY 1`,
      [APP_ROLES],
    );
    expect(memberships).toEqual([
      'holdfast_service in holdfast_app',
      'holdfast_service in holdfast_auth',
      'holdfast_service in holdfast_dispatcher',
    ]);
    expect(
      await column(`SELECT rolname AS name FROM pg_roles WHERE rolname = 'holdfast_service' AND rolinherit`),
    ).toEqual([]);
  });

  test('run functions with the owner’s rights only under a fixed search path, and none that everybody may call', async () => {
    const functions =
      await column(`SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
      AND p.prosecdef AND NOT coalesce('search_path=""' = ANY (p.proconfig), false)`);
    expect(functions).toEqual([]);
    const callable = await column(
      `SELECT r || ' ' || p.proname AS name FROM pg_proc p, unnest($1::text[]) r WHERE p.pronamespace = 'public'::regnamespace
       AND r <> 'holdfast_owner' AND p.prorettype <> 'trigger'::regtype AND has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY 1`,
      [APP_ROLES],
    );
    expect(callable).toEqual([
      'holdfast_app audit_append',
      // Arithmetic with its argument; it reads nothing.
      'holdfast_app epoch_ms',
      'holdfast_app evidence_append',
      'holdfast_app evidence_next',
      'holdfast_auth audit_append',
    ]);
  });

  test('give the dispatcher no payload, and signing in no table but the two it needs', async () => {
    const readable = async (role: string): Promise<string[]> =>
      await column(
        `SELECT table_name || '.' || column_name AS name FROM information_schema.column_privileges
         WHERE grantee = $1 AND table_schema = 'public' AND privilege_type = 'SELECT' ORDER BY 1`,
        [role],
      );
    const dispatcher = await readable('holdfast_dispatcher');
    expect(dispatcher).toContain('job_intent.state');
    expect(dispatcher).not.toContain('job_intent.payload');
    expect(dispatcher.filter((name) => name.startsWith('tenant.'))).toEqual(['tenant.id']);
    const tables = new Set((await readable('holdfast_auth')).map((name) => name.split('.')[0]));
    expect(tables).toEqual(new Set(['app_user', 'user_session']));
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
