import pg from 'pg';
import { createDatabase, driverUrl, dropDatabase } from './postgres-url.mjs';

/** Prisma's error codes for what the driver reports. */
const ERROR_CODES = { '3D000': 'P1003', '28P01': 'P1000', ECONNREFUSED: 'P1001' };

/** The engine reports on standard error, one JSON object a line. */
const report = (level, message, fields = {}) =>
  process.stderr.write(
    `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields: { message, ...fields }, target: 'schema_engine::logger' })}\n`,
  );

/** Runs one of the three commands and returns the exit code. */
export async function databaseCommand(command, datasource) {
  try {
    if (command === 'can-connect-to-database') {
      const client = new pg.Client({ connectionString: driverUrl(datasource.url).toString() });
      await client.connect();
      await client.end();
    } else if (command === 'create-database') await createDatabase(datasource.url);
    else if (command === 'drop-database') await dropDatabase(datasource.url);
    else throw new Error(`There is no command "${command}".`);
    report('INFO', 'ok');
    return 0;
  } catch (error) {
    process.stderr.write('\n'); // the command line drops what precedes the first line break
    report('ERROR', String(error.message), { error_code: ERROR_CODES[error.code] ?? 'P1010', is_panic: false });
    return 1;
  }
}
