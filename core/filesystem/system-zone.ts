/**
 * The zone of this machine as Go programs know it, restic among them: from the system's own zone files, with their seconds. What
 * Node brings along is another edition of the zones, which for times before 1970, and after every change of a country's law, has other
 * offsets; a folder's listing would then have another id than restic gives it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { zoneRule } from './zone-rule.ts';

/** Seconds east of UTC at an instant. */
type Zone = (epochSeconds: number) => number;

const UTC: Zone = () => 0;
const FOLDERS = ['/usr/share/zoneinfo/', '/usr/share/lib/zoneinfo/', '/usr/lib/locale/TZ/', '/etc/zoneinfo/'];
const zones = new Map<string | undefined, Zone>();

/** `name` is what TZ says. Undefined on systems that keep their zones in no files. The same function for the same zone. */
export function systemZone(name: string | undefined): Zone | undefined {
  if (process.platform !== 'linux') return undefined;
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = load(name);
    zones.set(name, zone);
  }
  return zone;
}

/** A name that says nothing to Go is UTC. */
function load(name: string | undefined): Zone {
  const plain = name?.replace(/^:/, '');
  if (plain === '' || plain === 'UTC') return UTC;
  const files = plain === undefined ? ['/etc/localtime'] : FOLDERS.map((folder) => path.resolve(folder, plain));
  for (const file of files) {
    try {
      return zoneOf(readFileSync(file));
    } catch {
      // The next place may have it.
    }
  }
  return UTC;
}

const HEAD_BYTES = 44;

/** What a zone file holds (RFC 8536). @throws RangeError, SyntaxError for what is none. */
function zoneOf(file: Buffer): Zone {
  const first = countsAt(file, 0);
  // From version 2 on the same stands there once more, in 64 bits, and behind it the rule for the years to come.
  const isWide = file[4]! >= 0x32;
  const at = isWide ? HEAD_BYTES + bytesOf(first, 4) : 0;
  const counts = isWide ? countsAt(file, at) : first;
  const timeBytes = isWide ? 8 : 4;
  const timesAt = at + HEAD_BYTES;
  const placesAt = timesAt + counts.times * timeBytes;
  const typesAt = placesAt + counts.times;
  const times = Array.from({ length: counts.times }, (_, number) =>
    isWide ? Number(file.readBigInt64BE(timesAt + number * 8)) : file.readInt32BE(timesAt + number * 4),
  );
  const places = [...file.subarray(placesAt, typesAt)];
  const types = Array.from({ length: counts.types }, (_, number) => ({
    offset: file.readInt32BE(typesAt + number * 6),
    isSummer: file[typesAt + number * 6 + 4] === 1,
  }));
  const rule = isWide ? zoneRule(file.toString('latin1', timesAt + bytesOf(counts, 8)).trim()) : undefined;
  const before = types[firstType(types, places)]?.offset ?? 0;
  return (epochSeconds) => {
    const last = lastBefore(times, epochSeconds);
    if (last === times.length - 1 && rule !== undefined) return rule(epochSeconds);
    return last === -1 ? before : (types[places[last]!]?.offset ?? 0);
  };
}

interface Counts {
  readonly times: number;
  readonly types: number;
  readonly letters: number;
  readonly leaps: number;
  readonly flags: number;
}

function countsAt(file: Buffer, at: number): Counts {
  if (file.toString('latin1', at, at + 4) !== 'TZif') throw new SyntaxError('no zone file');
  const count = (number: number): number => file.readUInt32BE(at + 20 + number * 4);
  return { flags: count(0) + count(1), leaps: count(2), times: count(3), types: count(4), letters: count(5) };
}

/** Of what follows the head. */
function bytesOf({ times, types, letters, leaps, flags }: Counts, timeBytes: number): number {
  return times * (timeBytes + 1) + types * 6 + letters + leaps * (timeBytes + 4) + flags;
}

/** Number of the last time that is not after the instant, or -1. */
function lastBefore(times: readonly number[], epochSeconds: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= epochSeconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What was in force before the first change, as Go finds it. */
function firstType(types: readonly { readonly isSummer: boolean }[], places: readonly number[]): number {
  if (!places.includes(0)) return 0;
  const next = places[0]!;
  if (types[next]?.isSummer === true) {
    const found = types.findLastIndex(({ isSummer }, number) => number < next && !isSummer);
    if (found !== -1) return found;
  }
  return Math.max(
    0,
    types.findIndex(({ isSummer }) => !isSummer),
  );
}
