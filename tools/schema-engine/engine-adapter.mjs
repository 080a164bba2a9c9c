import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { asAdministrator, driverUrl } from './postgres-url.mjs';

/** Types of Postgres' catalogue that Prisma's adapter refuses, by object id. */
const CHAR = 18;
const CHAR_ARRAY = 1002;
const NAME_ARRAY = 1003;
const BPCHAR = 1042;
const TEXT_ARRAY = 1009;
/** ColumnType.Character of Prisma's driver adapters. */
const CHARACTER_COLUMN = 6;

/**
 * The engine's catalogue queries return "char", which must reach it as a character column (or the constraints of
 * PostgreSQL 18 make it panic), and arrays of "char" and name, which it reads as text. Adapter and transactions inherit
 * from one class, so that is where it is taught.
 */
function teachCatalogTypes(adapter) {
  const queryable = Object.getPrototypeOf(Object.getPrototypeOf(adapter));
  if (queryable.knowsCatalogTypes) return;
  queryable.knowsCatalogTypes = true;
  const queryRaw = queryable.queryRaw;
  queryable.queryRaw = async function (query) {
    const answer = await this.performIO(query);
    const characterColumns = [];
    answer.fields.forEach((field, index) => {
      if (field.dataTypeID === CHAR) {
        characterColumns.push(index);
        field.dataTypeID = BPCHAR;
      } else if (field.dataTypeID === CHAR_ARRAY || field.dataTypeID === NAME_ARRAY) field.dataTypeID = TEXT_ARRAY;
    });
    const result = await queryRaw.call({ pgOptions: this.pgOptions, performIO: async () => answer }, query);
    for (const column of characterColumns) {
      result.columnTypes[column] = CHARACTER_COLUMN;
      for (const row of result.rows) if (row[column] === '') row[column] = null;
    }
    return result;
  };
}

async function openAdapter(connectionString, options = {}) {
  const pool = new pg.Pool({ connectionString, max: 4 });
  const adapter = await new PrismaPg(pool, { ...options, disposeExternalPool: true }).connect();
  teachCatalogTypes(adapter);
  // The adapter splits scripts at ";", which breaks function bodies: the whole script goes as one simple query. A failing
  // migration is then atomic too.
  adapter.executeScript = async (script) => {
    try {
      await pool.query(script);
    } catch (error) {
      adapter.onError(error);
    }
  };
  return adapter;
}

/** What the engine opens connections with: to the database itself, and to a shadow database that lives for one call. */
export function adapterFactory(prismaUrl, shadowUrl) {
  const url = driverUrl(prismaUrl);
  const schema = new URL(prismaUrl).searchParams.get('schema');
  const connectToShadowDb = async () => {
    if (shadowUrl) return openAdapter(driverUrl(shadowUrl).toString());
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    await asAdministrator(prismaUrl, (client) => client.query(`CREATE DATABASE "${name}"`));
    const shadow = new URL(url);
    shadow.pathname = `/${name}`;
    const adapter = await openAdapter(shadow.toString());
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await asAdministrator(prismaUrl, (client) => client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`));
    };
    return adapter;
  };
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: () => openAdapter(url.toString(), schema === null ? {} : { schema }),
    connectToShadowDb,
  };
}
