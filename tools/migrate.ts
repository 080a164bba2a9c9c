/**
 * Brings a database to what this checkout needs: roles, their passwords, migrations, and the queue's schema where the
 * queue runs on Postgres. Run it before the programs of a new version start; it may run many times and side by side.
 *
 *   DATABASE_URL=… [DATABASE_SERVICE_URL=…] [QUEUE_DATABASE_URL=…] node tools/migrate.ts
 *
 * The passwords in DATABASE_SERVICE_URL and QUEUE_DATABASE_URL are given to the roles that these URLs name.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runMigrations } from 'bullmq';
import pg from 'pg';
import { HoldfastError } from '../core/base/errors.ts';
import { applyMigrations } from './migrate/apply-migrations.ts';
import { scramVerifier } from './migrate/scram-verifier.ts';

/** The number on which Prisma's own `migrate deploy` locks, so that the two never run at once. */
const ADVISORY_LOCK = 72707369;
const QUEUE_SCHEMA = 'bullmq';
const ROLES = fileURLToPath(new URL('../prisma/roles.sql', import.meta.url));
const MIGRATIONS = fileURLToPath(new URL('../prisma/migrations', import.meta.url));

export interface MigrateOptions {
  /** An administrator of the database; the database is created when it is not there. */
  databaseUrl: string;
  /** Passwords for the two login roles; left as they are when absent. */
  servicePassword?: string | undefined;
  queuePassword?: string | undefined;
  /** Login of holdfast_queue, when BullMQ runs on Postgres; its tables are made then. */
  queueDatabaseUrl?: string | undefined;
  migrationsFolder?: string;
}

/** Returns the names of the migrations that were applied now. */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  await ensureDatabase(options.databaseUrl);
  const client = await connectClient(options.databaseUrl);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await prepareRoles(client, options);
    const applied = await applyMigrations(client, options.migrationsFolder ?? MIGRATIONS);
    if (options.queueDatabaseUrl !== undefined) await prepareQueue(client, options.queueDatabaseUrl);
    return applied;
  } finally {
    await client.end();
  }
}

async function connectClient(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: 15_000,
    application_name: 'holdfast-migrate',
  });
  client.on('error', () => {}); // the query that is under way reports it
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return client;
}

async function ensureDatabase(databaseUrl: string): Promise<void> {
  const url = new URL(databaseUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  try {
    const client = await connectClient(databaseUrl);
    await client.end();
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code !== '3D000') {
      throw new HoldfastError(
        'service_missing',
        `The database ${name} at ${url.host} cannot be reached: ${message || code}. Check DATABASE_URL.`,
        { cause: error },
      );
    }
    url.pathname = '/postgres';
    const admin = await connectClient(url.toString());
    try {
      await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(name)}`);
    } catch (createError) {
      const wasFaster = ['42P04', '23505'].includes((createError as { code?: string }).code ?? '');
      if (!wasFaster) throw createError;
    } finally {
      await admin.end();
    }
  }
}

/** Roles belong to the whole cluster, so a migration of another database of it may be writing the same rows. */
async function prepareRoles(client: pg.Client, options: MigrateOptions): Promise<void> {
  const sql = readFileSync(ROLES, 'utf8');
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(sql);
      await setPassword(client, 'holdfast_service', options.servicePassword);
      await setPassword(client, 'holdfast_queue', options.queuePassword);
      return;
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      const wasConcurrent =
        ['XX000', '42710', '23505', '40001'].includes(code ?? '') &&
        /concurrently|already exists|duplicate/.test(message);
      if (!wasConcurrent || attempt === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
    }
  }
}

async function setPassword(client: pg.Client, role: string, password: string | undefined): Promise<void> {
  if (password === undefined || password === '') return;
  await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(scramVerifier(password))}`);
}

/** BullMQ asks for its schema "if not exists", for which Postgres wants the right to create one all the same. */
async function prepareQueue(admin: pg.Client, queueDatabaseUrl: string): Promise<void> {
  const { rows } = await admin.query<{ name: string }>('SELECT current_database() AS name');
  const database = admin.escapeIdentifier(rows[0]?.name ?? '');
  await admin.query(`GRANT CREATE ON DATABASE ${database} TO holdfast_queue`);
  try {
    const queue = await connectClient(queueDatabaseUrl);
    try {
      await runMigrations(queue, QUEUE_SCHEMA);
    } finally {
      await queue.end();
    }
  } finally {
    await admin.query(`REVOKE CREATE ON DATABASE ${database} FROM holdfast_queue`);
  }
}

function passwordOf(url: string | undefined): string | undefined {
  return url === undefined || url === '' ? undefined : decodeURIComponent(new URL(url).password);
}

if (import.meta.main) {
  const { DATABASE_URL, DATABASE_SERVICE_URL, QUEUE_DATABASE_URL, REDIS_URL } = process.env;
  try {
    if (DATABASE_URL === undefined || DATABASE_URL === '') {
      throw new HoldfastError(
        'bad_request',
        'DATABASE_URL names no database. Set it to the address of an administrator of it.',
      );
    }
    const hasRedis = REDIS_URL !== undefined && REDIS_URL !== '';
    const applied = await migrate({
      databaseUrl: DATABASE_URL,
      servicePassword: passwordOf(DATABASE_SERVICE_URL),
      queuePassword: passwordOf(QUEUE_DATABASE_URL),
      queueDatabaseUrl: hasRedis || QUEUE_DATABASE_URL === '' ? undefined : QUEUE_DATABASE_URL,
    });
    console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
  } catch (error) {
    console.error(error instanceof HoldfastError ? error.message : error);
    process.exitCode = 1;
  }
}
