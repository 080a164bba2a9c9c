import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from 'pg';
import { HoldfastError } from '../../core/base/errors.ts';

/** The role that owns every table; nobody logs in as it. */
const OWNER = 'holdfast_owner';

/** Prisma's own table, so that `prisma migrate status` and `diff` read the same history. */
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Applies `folder`/<name>/migration.sql in the order of names, each in a transaction of its own under the owner's role.
 * The caller holds the advisory lock. Returns the names that were applied now.
 *
 * Throws HoldfastError 'conflict' when an applied migration was edited, when the database knows one that this checkout does
 * not (an older checkout on newer data), or when one fails: it is then rolled back whole.
 */
export async function applyMigrations(client: Client, folder: string): Promise<string[]> {
  await client.query(`SET ROLE ${OWNER}`);
  try {
    await client.query(CREATE_HISTORY);
    const { rows } = await client.query<{ migration_name: string; checksum: string }>(
      'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
    );
    const done = new Map(rows.map((row) => [row.migration_name, row.checksum]));
    const names = migrationNames(folder);
    const unknown = [...done.keys()].filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new HoldfastError(
        'conflict',
        `The database was made by a newer Holdfast: it knows ${unknown.join(', ')}, which this checkout does not have. Nothing was changed. Start the newer version.`,
      );
    }
    const applied: string[] = [];
    for (const name of names) {
      const sql = readFileSync(path.join(folder, name, 'migration.sql'), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      const known = done.get(name);
      if (known === undefined) {
        await applyOne(client, name, sql, checksum);
        applied.push(name);
      } else if (known !== checksum) {
        throw new HoldfastError(
          'conflict',
          `The migration ${name} was changed after it was applied to this database. Nothing was changed. Put its file back and write a new migration.`,
        );
      }
    }
    return applied;
  } finally {
    await client.query('RESET ROLE');
  }
}

/** The folder's migrations in the order in which they apply. */
export function migrationNames(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (entries.length === 0) throw new HoldfastError('internal', `There are no migrations in ${folder}.`);
  return entries.map((entry) => entry.name).sort();
}

async function applyOne(client: Client, name: string, sql: string, checksum: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      'INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count) VALUES ($1, $2, now(), $3, 1)',
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    const { message, code } = error as Error & { code?: string };
    if (code === '53100') {
      throw new HoldfastError(
        'disk_full',
        `The database's disk is full: the migration ${name} was not applied. Free some space and start again; nothing was lost.`,
        { cause: error },
      );
    }
    throw new HoldfastError('conflict', `The migration ${name} failed and was rolled back: ${message}`, {
      cause: error,
    });
  }
}
