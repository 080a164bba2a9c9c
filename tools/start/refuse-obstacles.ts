import { existsSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { portObstacle } from '../services/free-port.ts';
import type { StartSettings } from './settings.ts';

const GIBIBYTE = 1024 ** 3;
/** The first backup is of the checkout with its dependencies, about 1.3 GB before compression. */
const FREE_BYTES_FIRST_START = 2 * GIBIBYTE;
/** Below this Postgres would soon stop on its own terms. */
const FREE_BYTES_LATER = GIBIBYTE / 4;

/** Throws HoldfastError 'disk_full', 'port_busy' or 'source_missing' before anything is started. */
export async function refuseObstacles(
  settings: StartSettings,
  freeBytesOf: (folder: string) => number = freeBytes,
): Promise<void> {
  const { dataPath, protectPath } = settings;
  if (!existsSync(protectPath)) {
    throw new HoldfastError(
      'source_missing',
      `The folder to protect, ${protectPath}, does not exist. Set HOLDFAST_PROTECT to one that does.`,
    );
  }
  if (`${protectPath}${path.sep}`.startsWith(`${dataPath}${path.sep}`)) {
    throw new HoldfastError(
      'bad_request',
      `HOLDFAST_PROTECT lies inside the service's own data folder, ${dataPath}, which it never backs up. Name another folder.`,
    );
  }
  const isFirstStart = !existsSync(path.join(dataPath, 'postgres', 'PG_VERSION'));
  const needed = isFirstStart ? FREE_BYTES_FIRST_START : FREE_BYTES_LATER;
  const free = freeBytesOf(dataPath);
  if (free < needed) {
    throw new HoldfastError(
      'disk_full',
      `Only ${(free / GIBIBYTE).toFixed(1)} GiB are free on the disk of ${dataPath}, and ${needed / GIBIBYTE} GiB are needed. Nothing was changed. Free some space, or name a folder on another disk in HOLDFAST_DATA.`,
    );
  }
  for (const [name, port] of [
    ['PORT', settings.port],
    ['GATEWAY_PORT', settings.gatewayPort],
  ] as const) {
    const obstacle = await portObstacle(port);
    if (obstacle === undefined) continue;
    const what = obstacle === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${obstacle})`;
    throw new HoldfastError(
      'port_busy',
      `Port ${port} ${what}. Stop that program, or set ${name} to another port. Nothing was started.`,
    );
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
