import pg from 'pg';

/** Prisma's own parameters of a URL, which the driver would send to the server as settings. */
const PRISMA_PARAMETERS = ['schema', 'connection_limit', 'pool_timeout', 'pgbouncer'];

export function driverUrl(prismaUrl) {
  const url = new URL(prismaUrl);
  for (const name of PRISMA_PARAMETERS) url.searchParams.delete(name);
  return url;
}

/** Runs `work(client, nameOfTheDatabase)` connected to the database `postgres` of the same server. */
export async function asAdministrator(prismaUrl, work) {
  const url = driverUrl(prismaUrl);
  const database = decodeURIComponent(url.pathname.slice(1));
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.toString() });
  await client.connect();
  try {
    return await work(client, database);
  } finally {
    await client.end();
  }
}

/** SQLSTATEs of "exists already": another one was faster. */
const EXISTS_ALREADY = ['42P04', '23505'];

export async function createDatabase(prismaUrl) {
  await asAdministrator(prismaUrl, async (client, database) => {
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
    } catch (error) {
      if (!EXISTS_ALREADY.includes(error.code)) throw error;
    }
  });
}

export async function dropDatabase(prismaUrl) {
  await asAdministrator(prismaUrl, (client, database) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(database)} WITH (FORCE)`),
  );
}
