/** What this machine says of itself for the figures of coverage. It reads names and sizes alone, never contents. */
import { readFile } from 'node:fs/promises';
import type { Inventory } from '../../core/protocol/inventory.ts';
import { findDatabases } from './find-databases.ts';
import { readVolumes } from './read-volumes.ts';

/** Null parts where the system does not tell, as every other than Linux today. */
export async function readInventory(): Promise<Inventory> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => undefined);
  return {
    volumes: mountinfo === undefined ? null : await readVolumes(mountinfo),
    databases: await findDatabases(),
  };
}
