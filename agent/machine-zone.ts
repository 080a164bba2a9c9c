import { systemZone } from '../core/filesystem/system-zone.ts';
import { localZone, type ZoneOffset } from '../core/repository/format/go-text.ts';
import { environmentVariable } from './env.ts';

/** The zone in which this machine spells times, as stock restic on it would. */
export function machineZone(): ZoneOffset {
  return systemZone(environmentVariable('TZ')) ?? localZone;
}
