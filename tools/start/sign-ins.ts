import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import type { SeedResult } from '../../server/seed/first-start.ts';
import { portalUrl } from './environment.ts';
import type { StartSettings } from './settings.ts';
import { writePrivateFile } from './write-private-file.ts';

export const signInsPath = (settings: StartSettings): string => path.join(settings.dataPath, 'sign-ins.txt');
/** Stands from before the first seed until the sign-ins are written down. */
const markerPath = (settings: StartSettings): string => path.join(settings.dataPath, 'first-start');

/** The generated passwords are known only at the moment of the seed: a start that is cut off there must be able to begin anew. */
export function beginFirstStart(settings: StartSettings): void {
  if (!existsSync(signInsPath(settings))) writeFileSync(markerPath(settings), '');
}

/**
 * Whether an earlier first start was cut off after it may have seeded and before the passwords were written down. Nobody
 * could sign in and no device was enrolled, so that database holds nothing of anybody.
 */
export function wasCutOff(settings: StartSettings): boolean {
  return existsSync(markerPath(settings)) && !existsSync(signInsPath(settings));
}

/** Drops the database of such a start. Only ever called for the service's own server. */
export async function dropUnusedDatabase(databaseUrl: string): Promise<void> {
  const url = new URL(databaseUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.toString() });
  await admin.connect();
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${admin.escapeIdentifier(name)} WITH (FORCE)`);
  } finally {
    await admin.end();
  }
}

/** Writes the sign-ins down, for their owner alone, and returns the lines that are shown. */
export function writeSignIns(settings: StartSettings, signIns: SeedResult['signIns']): string[] {
  const width = Math.max(...signIns.map(({ email }) => email.length));
  const lines = signIns.map(
    ({ email, password, role, name }) => `  ${email.padEnd(width)}  ${password}  ${name}, ${roleText(role)}`,
  );
  writePrivateFile(
    signInsPath(settings),
    `Sign-ins for ${portalUrl(settings)}, made at the first start:\n${lines.join('\n')}\n`,
  );
  rmSync(markerPath(settings), { force: true });
  return lines;
}

function roleText(role: string): string {
  return role === 'customer_viewer' ? 'at the customer' : `${role} at the provider`;
}
