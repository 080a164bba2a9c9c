import { readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { e2eService } from './e2e-environment.ts';

/** The administrator's connection to the service's own Postgres: for states that a person cannot bring about by clicking. */
export async function connectToService(): Promise<pg.Client> {
  const { dataPath } = e2eService();
  const secrets = JSON.parse(readFileSync(path.join(dataPath, 'secrets.json'), 'utf8')) as {
    databaseAdminPassword: string;
  };
  const port = Number(readFileSync(path.join(dataPath, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[3]);
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: secrets.databaseAdminPassword,
    database: 'holdfast',
  });
  await client.connect();
  return client;
}
