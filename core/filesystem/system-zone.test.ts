/** The zone of this machine is the one that its own zone files say; Python reads the same files and is the witness. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { systemZone } from './system-zone.ts';
import { zoneRule } from './zone-rule.ts';

const OFFSETS = `
import datetime, json, sys, zoneinfo
names, times = json.load(sys.stdin)
start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
names = names or sorted(zoneinfo.available_timezones())
print(json.dumps({name: [int((start + datetime.timedelta(seconds=t)).astimezone(zoneinfo.ZoneInfo(name)).utcoffset().total_seconds())
                         for t in times] for name in names}))
`;

/** A machine without its zone files has UTC alone. */
const hasZones = process.platform === 'linux' && existsSync('/usr/share/zoneinfo/Asia/Tokyo');

describe.runIf(hasZones)('the offset', () => {
  test('of every zone and at any time is that of the zone file, with its seconds', () => {
    const seed = randomInt(2 ** 31);
    let state = seed;
    const below = (bound: number): number => (state = (state * 48_271) % 2_147_483_647) % bound;
    // From 1890 to 2150: before the first rule of most zones, through all changes, and far behind the last one.
    const times = Array.from({ length: 60 }, () => below(2_147_483_647) * 4 - 2_500_000_000).filter((at) => at < 5.6e9);
    const output = execFileSync('python3', ['-c', OFFSETS], { input: JSON.stringify([[], times]), encoding: 'utf8' });
    const expected = JSON.parse(output) as Record<string, number[]>;
    expect(Object.keys(expected).length).toBeGreaterThan(300);
    for (const [name, offsets] of Object.entries(expected))
      expect(
        times.map((time) => systemZone(name)?.(time)),
        `seed ${seed}, ${name}`,
      ).toEqual(offsets);
  });

  test('is that of the machine without a name, and none for a name that no file has, as with Go', () => {
    expect(systemZone('')?.(0)).toBe(0);
    expect(systemZone('XYZ-3')?.(0)).toBe(0);
    expect(systemZone('../../../etc/passwd')?.(0)).toBe(0);
    expect(systemZone('/usr/share/zoneinfo/Asia/Tokyo')?.(0)).toBe(32_400);
    expect(systemZone(':Asia/Tokyo')?.(0)).toBe(32_400);
    expect(systemZone('Asia/Tokyo')).toBe(systemZone('Asia/Tokyo'));
  });
});

describe('a rule', () => {
  const at = (text: string): number => Date.parse(text) / 1000;

  test.each([
    ['CET-1CEST,M3.5.0,M10.5.0/3', '2150-03-29T00:59:59Z', 3600],
    ['CET-1CEST,M3.5.0,M10.5.0/3', '2150-03-29T01:00:00Z', 7200],
    ['CET-1CEST,M3.5.0,M10.5.0/3', '2150-10-25T01:00:00Z', 3600],
    ['AEST-10AEDT,M10.1.0,M4.1.0/3', '2100-01-15T00:00:00Z', 39_600],
    ['AEST-10AEDT,M10.1.0,M4.1.0/3', '2100-07-15T00:00:00Z', 36_000],
    ['<+1030>-10:30<+11>-11,M10.1.0,M4.1.0', '2100-01-15T00:00:00Z', 39_600],
    ['EST5EDT', '2040-07-01T00:00:00Z', -14_400],
    ['<-03>3', '2040-07-01T00:00:00Z', -10_800],
    ['IST-1GMT0,M10.5.0,M3.5.0/1', '2040-07-01T00:00:00Z', 3600],
    ['IST-1GMT0,M10.5.0,M3.5.0/1', '2040-01-01T00:00:00Z', 0],
    ['AAA0BBB,J60,J300', '2040-02-29T12:00:00Z', 0],
    ['AAA0BBB,J60,J300', '2040-03-01T02:00:00Z', 3600],
    ['AAA0BBB,59,300', '2040-02-29T02:00:00Z', 3600],
  ])('%s at %s', (rule, time, offset) => expect(zoneRule(rule)?.(at(time))).toBe(offset));

  test.each(['', 'CET', 'CET-1CEST,M3.5.0', 'CET-1CEST,M3.5.0,M10.5.0/3x', 'C-1'])('%j is none', (text) => {
    expect(zoneRule(text)).toBeUndefined();
  });
});
