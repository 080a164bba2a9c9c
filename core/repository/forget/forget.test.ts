/** What is forgotten is what stock restic forgets: random snapshots, random rules, both decide, the answers are the same. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { sealUnpacked, storeObject } from '../write/store-object.ts';
import { goTime, type ZoneOffset } from '../format/go-text.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import { initRepository, listSnapshots } from '../repository.ts';
import type { Snapshot, SnapshotWithId, WritableRepository } from '../types.ts';
import { type ForgetGroup, planForget } from './forget.ts';
import { keepDurationText, parseKeepDuration } from './keep-duration.ts';
import { decideKeep, KEEP_PERIODS, type KeepPolicy } from './keep-policy.ts';
import { matchesFilter } from './select-snapshots.ts';

const TREE = '0'.repeat(64);
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];

function zoneOf(timeZone: string): ZoneOffset {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (seconds) => {
    const text =
      format.formatToParts(new Date(seconds * 1000)).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const match = /GMT([+-])(\d\d):(\d\d)/.exec(text);
    return match === null ? 0 : (match[1] === '-' ? -60 : 60) * (Number(match[2]) * 60 + Number(match[3]));
  };
}

/** Numbers from a seed, so that a failure can be repeated. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** How long a run of these tests may take at most. */
const RUN_S_MAX = 3600;

/** `taken` holds the seconds of those before: of two of one moment, restic keeps now the one and now the other. */
function randomSnapshot(random: (below: number) => number, host: string, taken: Set<number>): Snapshot {
  // Some groups are of days, some of decades; the last ones reach into the future.
  const spanS = [86_400, 30 * 86_400, 400 * 86_400, 5000 * 86_400][random(4)]!;
  const nowS = Math.floor(Date.now() / 1000);
  // None is of now: it would be future to one of the two programs and past to the other, which runs a moment later.
  let seconds: number;
  do seconds = nowS + 3 * 86_400 - random(spanS);
  while (taken.has(seconds) || Math.abs(seconds - nowS) < RUN_S_MAX);
  taken.add(seconds);
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(random(2) * random(1_000_000_000));
  const tags = ['a', 'b', 'c'].filter(() => random(4) === 0);
  const paths = random(6) === 0 ? ['/x', '/y'] : ['/x'];
  return { time: goTime(ns, zoneOf(ZONES[random(ZONES.length)]!)), tree: TREE, hostname: host, paths, tags };
}

function randomPolicy(
  random: (below: number) => number,
  isUnlimitedKnown: boolean,
): { policy: KeepPolicy; args: string[] } {
  const args: string[] = [];
  const count = (flag: string): number | 'unlimited' | undefined => {
    if (random(3) !== 0) return undefined;
    const value = isUnlimitedKnown && random(5) === 0 ? 'unlimited' : 1 + random(6);
    args.push(flag, String(value));
    return value;
  };
  const span = (flag: string): ReturnType<typeof parseKeepDuration> => {
    if (random(4) !== 0) return undefined;
    const text = ['1h', '36h', '7d', '1m', '5m3d', '1y', '2y1m10d5h', '31d'][random(8)]!;
    args.push(flag, text);
    return parseKeepDuration(text);
  };
  const last = count('--keep-last');
  const within = span('--keep-within');
  const counts: NonNullable<KeepPolicy['counts']> = {};
  const withinPeriods: NonNullable<KeepPolicy['withinPeriods']> = {};
  for (const name of KEEP_PERIODS) {
    const value = count(`--keep-${name}`);
    const age = span(`--keep-within-${name}`);
    if (value !== undefined) Object.assign(counts, { [name]: value });
    if (age !== undefined) Object.assign(withinPeriods, { [name]: age });
  }
  const tags = random(3) === 0 ? [[['a'], ['a', 'b']][random(2)]!] : [];
  for (const list of tags) args.push('--keep-tag', list.join(','));
  // Rules that would remove everything are another test's: here each group keeps something.
  if (last === undefined) args.push('--keep-last', '1');
  return {
    policy: { last: last ?? 1, counts, withinPeriods, tags, ...(within === undefined ? {} : { within }) },
    args,
  };
}

describe('with stock restic beside it', () => {
  let scratch: string;
  let repo: WritableRepository;
  let snapshots: SnapshotWithId[];
  let minor: number;
  const seed = randomInt(2 ** 31);
  const random = randomOf(seed);

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'holdfast-forget-'));
    const store = createFileStore({ root: join(scratch, 'repo') });
    const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
    repo = await initRepository(store, key);
    const taken = new Set<number>();
    for (let at = 0; at < 400; at += 1) {
      const json = encodeSnapshot(randomSnapshot(random, `host${at % 13}`, taken));
      const file = sealUnpacked(repo.masterKey, 'snapshot', json);
      await storeObject(store, file.object, file.bytes);
    }
    snapshots = (await listSnapshots(repo)).snapshots;
    minor = Number(/restic 0\.(\d+)/.exec(restic('UTC', 'version'))?.[1]);
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  function restic(zone: string, ...args: string[]): string {
    const env = { ...process.env, RESTIC_PASSWORD: 'p', TZ: zone };
    const options = { env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 64 * 1024 * 1024 } as const;
    return execFileSync('restic', ['-r', join(scratch, 'repo'), '--no-cache', ...args], options);
  }

  interface Theirs {
    readonly host: string;
    readonly keep: readonly { readonly id: string }[] | null;
    readonly remove: readonly { readonly id: string }[] | null;
    readonly reasons: readonly { readonly snapshot: { readonly time: string }; readonly matches: readonly string[] }[];
  }

  const ids = (list: readonly { readonly id: string }[] | null): string[] => (list ?? []).map(({ id }) => id).sort();

  test.each([...Array(14).keys()])('a random policy keeps the same snapshots for the same reasons (%s)', (round) => {
    const { policy, args } = randomPolicy(random, minor >= 17);
    const zone = ZONES[random(ZONES.length)]!;
    const groupBy = (['host', 'paths', 'tags'] as const).filter(() => random(2) === 0);
    const about = `seed ${seed}, round ${round}, ${zone}: ${args.join(' ')} by ${groupBy.join(',')}`;
    const theirs = JSON.parse(
      restic(zone, 'forget', '--dry-run', '--json', '--group-by', groupBy.join(','), ...args),
    ) as Theirs[];
    const ours = planForget(snapshots, {
      policy,
      groupBy,
      mayRemoveAll: false,
      keepsOldest: minor >= 16,
      nowNs: BigInt(Date.now()) * 1_000_000n,
      zone: zoneOf(zone),
    });
    expect(ours.length, about).toBe(theirs.length);
    const key = (kept: readonly string[], gone: readonly string[]): string => [...kept, ...gone].sort()[0] ?? '';
    const byKey = new Map(theirs.map((group) => [key(ids(group.keep), ids(group.remove)), group]));
    for (const { keep, remove } of ours) {
      const kept = keep.map(({ snapshot }) => snapshot);
      const group = byKey.get(key(ids(kept), ids(remove)));
      expect(ids(kept), about).toEqual(ids(group?.keep ?? null));
      expect(ids(remove), about).toEqual(ids(group?.remove ?? null));
      // What they call the rules differs a little between versions; the oldest one is not told apart in all of them.
      const plain = (reason: string): string => reason.replace(/^oldest /, '').replace(/^has tags .*/, 'has tags');
      const reasonsOf = new Map(group?.reasons.map(({ matches }, at) => [group.keep?.[at]?.id, matches.map(plain)]));
      for (const { snapshot, reasons } of keep) expect(reasons.map(plain), about).toEqual(reasonsOf.get(snapshot.id));
    }
  });

  test.each<[string[], Parameters<typeof matchesFilter>[1]]>([
    [['--host', 'host1'], { hosts: ['host1'] }],
    [['--host', 'host1', '--host', 'host2', '--path', '/y'], { hosts: ['host1', 'host2'], paths: ['/y'] }],
    [['--tag', 'a,b', '--tag', 'c'], { tags: [['a', 'b'], ['c']] }],
    [['--tag', ''], { tags: [['']] }],
    [['--path', '/x', '--path', '/y'], { paths: ['/x', '/y'] }],
  ])('the filter %j chooses the same snapshots', (args, filter) => {
    const theirs = JSON.parse(restic('UTC', 'snapshots', '--json', ...args)) as { id: string }[];
    const ours = snapshots.filter((snapshot) => matchesFilter(snapshot, filter));
    expect(theirs.length).toBeGreaterThan(0);
    expect(ids(ours)).toEqual(ids(theirs));
  });
});

describe('by itself', () => {
  const at = (time: string, id = time): SnapshotWithId => ({ id, time, tree: TREE, paths: ['/'] });
  const nowNs = BigInt(Date.parse('2026-06-01T00:00:00Z')) * 1_000_000n;
  const kept = (policy: KeepPolicy, times: readonly string[], options = {}): string[] =>
    decideKeep(
      times.map((time) => at(time)),
      policy,
      { nowNs, ...options },
    )
      .filter(({ reasons }) => reasons.length > 0)
      .map(({ snapshot }) => snapshot.time);

  test('an empty policy keeps everything, and a time that cannot be read is kept by every policy', () => {
    expect(kept({}, ['2026-01-01T00:00:00Z', 'yesterday'])).toHaveLength(2);
    expect(kept({ last: 0 }, ['2026-01-01T00:00:00Z'])).toHaveLength(1);
    expect(kept({ last: 1 }, ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'yesterday'])).toEqual([
      '2026-01-02T00:00:00Z',
      'yesterday',
    ]);
  });

  test('the oldest snapshot stays while a rule has some of its number left, and goes when it has none', () => {
    const days = ['2026-01-03T08:00:00Z', '2026-01-03T07:00:00Z', '2026-01-02T08:00:00Z', '2026-01-02T07:00:00Z'];
    expect(kept({ counts: { daily: 3 } }, days)).toEqual([days[0], days[2], days[3]]);
    expect(kept({ counts: { daily: 2 } }, days)).toEqual([days[0], days[2]]);
    expect(kept({ counts: { daily: 3 } }, days, { keepsOldest: false })).toEqual([days[0], days[2]]);
  });

  test('a day is the day of the clock on the wall where the backup was made', () => {
    const sameDay = ['2026-01-03T23:30:00+05:30', '2026-01-03T00:30:00+05:30'];
    expect(kept({ counts: { daily: 1 } }, sameDay)).toEqual([sameDay[0]]);
    const twoDays = ['2026-01-03T18:00:00Z', '2026-01-02T19:00:00Z'];
    expect(kept({ counts: { daily: 2 } }, twoDays, { keepsOldest: false })).toEqual(twoDays);
  });

  test('a group never loses its last snapshot unless that was said', () => {
    const all = [at('2026-01-01T00:00:00Z', 'a'), at('2026-01-02T00:00:00Z', 'b')];
    const options = { policy: { tags: [['none']] }, groupBy: ['host'] as const, nowNs };
    expect(() => planForget(all, { ...options, mayRemoveAll: false })).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
    const removed = (groups: readonly ForgetGroup[]): number =>
      groups.reduce((sum, { remove }) => sum + remove.length, 0);
    expect(removed(planForget(all, { ...options, mayRemoveAll: true }))).toBe(2);
    expect(removed(planForget(all, { ...options, policy: {}, mayRemoveAll: false }))).toBe(0);
    expect(removed(planForget(all, { ...options, policy: {}, mayRemoveAll: true }))).toBe(2);
  });

  test.each([
    ['1y5m7d2h', { years: 1, months: 5, days: 7, hours: 2 }],
    [' 3d ', { years: 0, months: 0, days: 3, hours: 0 }],
  ])('%j is a span', (text, span) => {
    expect(parseKeepDuration(text)).toEqual(span);
    expect(keepDurationText(span)).toBe(text.trim());
  });
  test.each(['', '3', 'd', '-3d', '3w', '1d x', '1.5d', '0d'])('%j is none', (text) => {
    expect(parseKeepDuration(text)).toBeUndefined();
  });
});
