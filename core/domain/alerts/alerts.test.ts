import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCause, normaliseMessage } from './causes.ts';
import type { DeviceFacts, EndedRun, SourceFacts } from './device-facts.ts';
import { FIELD_NAMES, FIELDS } from '../fleet-filter/fields.ts';
import { wantedAlerts } from './evaluate.ts';
import { type GroupedAlert, groupAlerts, STORM_DEVICES_MIN } from './groups.ts';
import { ALERT_KINDS, SEVERITIES, STATE_KINDS } from './kinds.ts';
import { noiseReport } from './noise.ts';
import { reconcile, ruleKey } from './reconcile.ts';
import { SCOPE_FIELDS } from './rule-scope.ts';
import { builtInRule, matchesFilter, type Rule, ruleWish } from './rules.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 21, 12);

const source = (over: Partial<SourceFacts> = {}): SourceFacts => ({
  sourceId: 'source',
  addedMs: T - 60 * DAY,
  usableMs: T - HOUR,
  hasPoint: true,
  firstSealedMs: T - 59 * DAY,
  outcomes: ['ok', 'ok'],
  lastRun: { state: 'sealed', outcome: 'ok', errorCode: null, errorMessage: null },
  drills: [{ level: 3, everyHours: 24, passedMs: T - HOUR }],
  overdue: null,
  ...over,
});

const described = {
  ...{
    name: 'SRV-1',
    host: 'srv-1.hill.local',
    customer: 'Hill Dental',
    policy: 'Servers',
    os: 'linux',
    agent: '1.4.2',
  },
  ...{ tags: ['gold', 'sql'], custody: 'escrowed', targetMs: 24 * HOUR },
};
const device = (over: Partial<DeviceFacts> = {}, ...sources: SourceFacts[]): DeviceFacts => ({
  deviceId: 'device',
  deviceName: 'SRV-1',
  customerId: 'customer',
  policyId: 'policy',
  deviceClass: 'server',
  device: described,
  enrolledMs: T - 60 * DAY,
  lastSeenMs: T - 60_000,
  rpoMs: 24 * HOUR,
  longestPauseMs: 24 * HOUR,
  pausedUntilMs: null,
  checkedMs: T - HOUR,
  sources: sources.length === 0 ? [source()] : sources,
  ...over,
});

const rules: Rule[] = ALERT_KINDS.map((kind) => builtInRule(kind));
const kindsOf = (facts: DeviceFacts, nowMs = T) => wantedAlerts(facts, rules, nowMs).map(({ kind }) => kind);
const failed: EndedRun = { state: 'failed', outcome: 'failed', errorCode: 'commit_invalid', errorMessage: 'No.' };

describe('what a device asks for', () => {
  test('a device that does what it should asks for nothing', () => {
    expect(kindsOf(device())).toEqual([]);
  });

  test('no usable point for a day alerts at a server, for three days at a workstation, and not before', () => {
    const at = (deviceClass: 'server' | 'workstation', ageMs: number) =>
      kindsOf(device({ deviceClass }, source({ usableMs: T - ageMs }))).includes('no_point');
    expect([at('server', 24 * HOUR), at('server', 24 * HOUR + 1)]).toEqual([false, true]);
    expect([at('workstation', 72 * HOUR), at('workstation', 72 * HOUR + 1)]).toEqual([false, true]);
  });

  test('points that should be gone alert a week later, and the cause says whether any ever went', () => {
    const causeOf = (sinceMs: number, lastGoneMs: number | null) =>
      wantedAlerts(device({}, source({ overdue: { sinceMs, points: 3, lastGoneMs } })), rules, T)[0]?.cause;
    expect([causeOf(T - 7 * DAY, null), causeOf(T - 7 * DAY - 1, null)]).toEqual([undefined, 'retention_never']);
    expect(causeOf(T - 8 * DAY, T - 9 * DAY)).toBe('retention_stopped');
  });

  test('a policy that promises less often is not broken by its own schedule', () => {
    const weekly = device({ rpoMs: 8 * DAY }, source({ usableMs: T - 7 * DAY }));
    expect(kindsOf(weekly)).not.toContain('no_point');
    expect(kindsOf({ ...weekly, sources: [source({ usableMs: T - 8 * DAY - 1 })] })).toContain('no_point');
  });

  test.each([
    ['paused', { pausedUntilMs: T + DAY, lastSeenMs: T - 9 * DAY }, {}, /paused by its policy/],
    ['offline', { lastSeenMs: T - 3 * HOUR }, { lastRun: failed }, /does not call the service/],
    ['error:commit_invalid:no.', {}, { lastRun: failed }, /last backup failed: No\./],
    ['stuck', {}, { lastRun: { ...failed, state: 'aborted' as const } }, /fell silent/],
    [
      'never_ran',
      {},
      { lastRun: null, hasPoint: false, usableMs: null, firstSealedMs: null, outcomes: [] },
      /never made/,
    ],
    ['not_started', {}, { outcomes: ['missed' as const] }, /no backup began/],
    ['unproven', {}, {}, /none that counts/],
  ])('the message of a missing point says that it is %s', (cause, of, from, words) => {
    const [alert] = wantedAlerts(device(of, source({ usableMs: T - 4 * DAY, ...from })), [builtInRule('no_point')], T);
    expect(alert?.cause).toBe(cause);
    expect(alert?.message).toMatch(words);
  });

  test('failures count in a row; an excused one neither counts nor breaks the row', () => {
    const at = (...outcomes: SourceFacts['outcomes']) => kindsOf(device({}, source({ outcomes, lastRun: failed })));
    expect(at('failed', 'failed', 'ok')).not.toContain('failing');
    expect(at('failed', 'stuck', 'failed')).toContain('failing');
    expect(at('failed', 'excused', 'failed', 'excused', 'failed')).toContain('failing');
    expect(at('failed', 'failed', 'ok', 'failed')).not.toContain('failing');
  });

  test('one source that is well does not hide another that is not, and the order of the sources decides nothing', () => {
    const bad = source({ sourceId: 'b', outcomes: ['missed'] });
    for (const facts of [device({}, source(), bad), device({}, bad, source())])
      expect(kindsOf(facts)).toEqual(['missed']);
  });

  test('a machine is silent after two hours, or after the longest pause of its schedule when that is longer', () => {
    const at = (longestPauseMs: number, quietMs: number) =>
      kindsOf(device({ longestPauseMs, lastSeenMs: T - quietMs })).includes('silent');
    expect([at(HOUR, 2 * HOUR), at(HOUR, 2 * HOUR + 1)]).toEqual([false, true]);
    expect([at(DAY, 24 * HOUR), at(DAY, 24 * HOUR + 1)]).toEqual([false, true]);
  });

  test('a drill is overdue after its interval and the target, from the first backup on where none ever passed', () => {
    const at = (passedMs: number | null, firstSealedMs: number | null = T - 59 * DAY) =>
      kindsOf(device({}, source({ firstSealedMs, drills: [{ level: 3, everyHours: 24, passedMs }] }))).includes(
        'drill_overdue',
      );
    expect([at(T - 48 * HOUR), at(T - 48 * HOUR - 1)]).toEqual([false, true]);
    expect([at(null), at(null, T - DAY), at(null, null)]).toEqual([true, false, false]);
  });

  test('a rule that is off, or looks elsewhere, asks for nothing', () => {
    const facts = device({}, source({ outcomes: ['missed'] }));
    const missed = builtInRule('missed');
    expect(wantedAlerts(facts, [missed], T)).toHaveLength(1);
    expect(wantedAlerts(facts, [{ ...missed, isEnabled: false }], T)).toEqual([]);
    expect(wantedAlerts(facts, [{ ...missed, filter: { classes: ['workstation'] } }], T)).toEqual([]);
    expect(wantedAlerts(facts, [{ ...missed, filter: { customerIds: ['another'] } }], T)).toEqual([]);
  });

  test('time alone never takes a state alert back: only an event does', () => {
    const outcome = fc.constantFrom(
      'ok' as const,
      'late' as const,
      'failed' as const,
      'missed' as const,
      'stuck' as const,
    );
    const facts = fc.record({
      outcomes: fc.array(outcome, { maxLength: 6 }),
      ageHours: fc.integer({ min: 0, max: 200 }),
      quietHours: fc.integer({ min: 0, max: 100 }),
      laterHours: fc.integer({ min: 0, max: 500 }),
      lastRun: fc.constantFrom<EndedRun | null>(failed, null, source().lastRun),
    });
    fc.assert(
      fc.property(facts, ({ outcomes, ageHours, quietHours, laterHours, lastRun }) => {
        const one = device(
          { lastSeenMs: T - quietHours * HOUR },
          source({ outcomes, lastRun, usableMs: T - ageHours * HOUR }),
        );
        const now = kindsOf(one);
        expect(kindsOf(one, T + laterHours * HOUR)).toEqual(expect.arrayContaining(now));
      }),
    );
  });
});

describe('from what is wanted to what changes', () => {
  const wanted = fc.record({
    kind: fc.constantFrom(...STATE_KINDS),
    ruleId: fc.option(fc.constantFrom('r1', 'r2')),
    severity: fc.constantFrom(...SEVERITIES),
    cause: fc.constantFrom('a', 'b'),
    title: fc.constant('t'),
    message: fc.string({ maxLength: 3 }),
  });
  const unique = (max: number) => fc.uniqueArray(wanted, { selector: ruleKey, maxLength: max });

  test('carried out, it leaves exactly what is wanted, and the next look changes nothing', () => {
    fc.assert(
      fc.property(unique(6), unique(6), (first, second) => {
        const standing = first.map((one, at) => ({ ...one, id: String(at) }));
        const { open, update, resolve } = reconcile(second, standing);
        const next = [
          ...standing
            .filter(({ id }) => !resolve.includes(id))
            .map((one) => ({ ...one, ...update.find(({ id }) => id === one.id)?.to })),
          ...open.map((one, at) => ({ ...one, id: `n${at}` })),
        ];
        const bare = (list: readonly { kind: string; ruleId: string | null; severity: string; cause: string }[]) =>
          list.map((one) => `${ruleKey(one)} ${one.severity} ${one.cause}`).sort();
        expect(bare(next)).toEqual(bare(second));
        expect(reconcile(second, next)).toEqual({ open: [], update: [], resolve: [] });
      }),
    );
  });

  test('one alert a rule, however often it is wanted', () => {
    const one = { kind: 'missed', ruleId: null, severity: 'warn', cause: 'a', title: '', message: '' } as const;
    expect(reconcile([one, one], []).open).toHaveLength(1);
  });
});

describe('root causes', () => {
  const grouped = (over: Partial<GroupedAlert>): GroupedAlert => ({
    id: 'a',
    kind: 'silent',
    severity: 'warn',
    cause: 'offline',
    title: 'A machine is silent',
    message: 'It is silent.',
    customerId: 'c1',
    customerName: 'Hill Dental',
    deviceId: 'd1',
    deviceName: 'D1',
    policyName: 'Daily',
    agentVersion: '1.0.0',
    openedMs: T,
    breachMs: null,
    ownerId: null,
    acknowledgedMs: null,
    ...over,
  });
  const anyAlert = fc
    .record({
      kind: fc.constantFrom(...ALERT_KINDS),
      severity: fc.constantFrom(...SEVERITIES),
      cause: fc.constantFrom('offline', 'store', 'not_started', 'error:x:disk full', 'damage', ''),
      customerId: fc.constantFrom('c1', 'c2', 'c3'),
      deviceId: fc.option(fc.constantFrom('d1', 'd2', 'd3', 'd4', 'd5', 'd6')),
      openedMs: fc.integer({ min: T - DAY, max: T }),
      breachMs: fc.option(fc.integer({ min: T - DAY, max: T + DAY })),
      ownerId: fc.option(fc.constantFrom('u1', 'u2')),
    })
    .map((over) => grouped(over));
  const many = fc
    .array(anyAlert, { maxLength: 30 })
    .map((alerts) => alerts.map((alert, at) => ({ ...alert, id: String(at).padStart(3, '0') })));

  test('every alert is in exactly one group, the groups are the same in any order, and each counts what is in it', () => {
    fc.assert(
      fc.property(many, fc.func(fc.integer()), (alerts, order) => {
        const groups = groupAlerts(alerts);
        expect(groups.flatMap((group) => group.alerts.map(({ id }) => id)).sort()).toEqual(alerts.map(({ id }) => id));
        const shuffled = [...alerts].sort((a, b) => order(a.id) - order(b.id));
        expect(groupAlerts(shuffled)).toEqual(groups);
        for (const group of groups) {
          expect(group.openedMs).toBe(Math.min(...group.alerts.map(({ openedMs }) => openedMs)));
          expect(group.customers).toBe(new Set(group.alerts.map(({ customerId }) => customerId)).size);
          expect(group.alerts.map(({ severity }) => severity)).toContain(group.severity);
          expect(group.devices).toBeLessThanOrEqual(group.alerts.length);
        }
      }),
    );
  });

  test('the line of one customer that is down is one item; single machines elsewhere are another', () => {
    const site = Array.from({ length: 20 }, (_, at) => grouped({ id: `s${at}`, deviceId: `d${at}` }));
    const missedThere = grouped({ id: 'm', kind: 'missed', deviceId: 'd1' });
    const single = grouped({ id: 'x', customerId: 'c2', customerName: 'Other', deviceId: 'e1' });
    const groups = groupAlerts([...site, missedThere, single]);
    expect(groups.map(({ title, devices, customers }) => `${title}: ${devices}, ${customers}`).sort()).toEqual([
      'Hill Dental cannot be reached: 20, 1',
      'The machine cannot be reached: 1, 1',
    ]);
    const few = groupAlerts(site.slice(0, STORM_DEVICES_MIN - 1));
    expect(few.map(({ key }) => key)).toEqual(['offline']);
  });

  test('the same error at several customers is one item that says what they share', () => {
    const error = 'error:source_failed:the shadow copy writer / failed with #.';
    const alerts = ['c1', 'c2', 'c3'].map((customerId, at) =>
      grouped({
        id: customerId,
        customerId,
        deviceId: `d${at}`,
        kind: 'run_failed',
        cause: error,
        message: 'The shadow copy writer failed. Earlier backups are not affected.',
        policyName: `Policy ${at}`,
      }),
    );
    const [group, ...others] = groupAlerts(alerts);
    expect(others).toEqual([]);
    expect(group).toMatchObject({
      title: 'The shadow copy writer failed',
      devices: 3,
      customers: 3,
      shared: ['all with agent 1.0.0'],
    });
  });

  test('an error is the same whatever file, number or machine it names, and another error is not', () => {
    const of = (message: string) => normaliseMessage(message);
    expect(of('Cannot read C:\\Users\\Eva\\a.pst: error 32.')).toBe(of('Cannot read D:\\data\\b.mdb: error 5.'));
    expect(of('Cannot read /srv/a (id 0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee)')).toBe(
      of('Cannot read /home/b/c (id 0190ffff-bbbb-7ccc-8ddd-eeeeeeeeeeee)'),
    );
    expect(of('No space on “Data”')).toBe(of('No space on “System”'));
    expect(of('No space left')).not.toBe(of('Access denied'));
    expect(errorCause('storage_unavailable', 'one')).toBe(errorCause('storage_unavailable', 'another'));
  });
});

describe('rules', () => {
  test('limits out of their range, or of another kind, are refused', () => {
    const wish = { kind: 'no_point', name: 'x', isEnabled: true, severity: 'risk', filter: {} } as const;
    expect(ruleWish.safeParse({ ...wish, parameters: { serverHours: 12, workstationHours: 48 } }).success).toBe(true);
    expect(ruleWish.safeParse({ ...wish, parameters: { serverHours: 0 } }).success).toBe(false);
    expect(ruleWish.safeParse({ ...wish, parameters: { runs: 3 } }).success).toBe(false);
  });

  test('each list of a filter must hold the device', () => {
    const subject = { customerId: 'c', policyId: 'p', deviceClass: 'server' as const, device: described };
    expect(matchesFilter({}, subject)).toBe(true);
    expect(matchesFilter({ customerIds: ['c'], classes: ['server'] }, subject)).toBe(true);
    expect(matchesFilter({ customerIds: ['c'], classes: ['workstation'] }, subject)).toBe(false);
    expect(matchesFilter({ policyIds: ['p'] }, { ...subject, policyId: null })).toBe(false);
    expect(matchesFilter({ customerIds: ['c'], devices: 'tag:gold agent<1.5' }, subject)).toBe(true);
    expect(matchesFilter({ customerIds: ['d'], devices: 'tag:gold' }, subject)).toBe(false);
    // What concerns a customer as a whole is no device.
    expect(matchesFilter({ devices: 'tag:gold' }, { ...subject, device: null })).toBe(false);
  });

  test('a filter may ask what a device is, and nothing that changes with its backups', () => {
    const holds = (devices: string): boolean =>
      matchesFilter({ devices }, { customerId: 'c', policyId: 'p', deviceClass: 'server', device: described });
    for (const text of [
      'tag:gold',
      'hill',
      '"srv-1"',
      'policy=servers -os:win32',
      'target<=24h',
      '(tag:x or agent>=1.4)',
    ])
      expect([text, holds(text)]).toEqual([text, true]);
    for (const text of ['tag:silver', 'custody:customer_held', 'target<1h', 'not hill'])
      expect([text, holds(text)]).toEqual([text, false]);
    const wish = { kind: 'no_point', name: 'x', isEnabled: true, severity: 'risk', parameters: {} } as const;
    const refusal = (devices: string): string | undefined =>
      ruleWish.safeParse({ ...wish, filter: { devices } }).error?.issues[0]?.message;
    const barred = FIELD_NAMES.filter((name) => !(SCOPE_FIELDS as readonly string[]).includes(name));
    expect(barred.length).toBeGreaterThan(10);
    for (const name of barred) {
      const why = name === 'note' ? 'is not known to rules' : 'changes while the rule looks';
      expect(refusal(FIELDS[name].example), name).toContain(`“${name}” ${why}`);
      expect(refusal(`tag:gold -(hill or ${FIELDS[name].example})`), name).toContain(`“${name}” ${why.slice(0, 7)}`);
    }
    for (const name of SCOPE_FIELDS) expect(refusal(FIELDS[name].example), name).toBeUndefined();
  });
});

test('noise is what was over within the hour, untouched and by itself', () => {
  const alert = (minutes: number | null, over: object = {}) => ({
    openedMs: T,
    resolvedMs: minutes === null ? null : T + minutes * 60_000,
    acknowledgedMs: null,
    isSelfResolved: true,
    isMoot: false,
    isReopened: false,
    ...over,
  });
  const report = noiseReport(
    [alert(59), alert(60), alert(5, { acknowledgedMs: T + 60_000 }), alert(5, { isSelfResolved: false }), alert(null)],
    10,
    14 * DAY,
  );
  expect(report).toMatchObject({
    alerts: 5,
    open: 1,
    over: 4,
    noisy: 1,
    noiseShare: 0.25,
    per100DevicesWeek: 25,
    mttaMs: 60_000,
    acknowledged: 1,
  });
  expect(noiseReport([], 0, 7 * DAY)).toMatchObject({ per100DevicesWeek: null, noiseShare: null, mttaMs: null });
  // What somebody or something mended counts; not what was over by itself at once, nor what a changed rule closed.
  expect(
    noiseReport(
      [alert(300), alert(300, { isSelfResolved: false }), alert(5), alert(300, { isMoot: true }), alert(null)],
      10,
      14 * DAY,
    ),
  ).toMatchObject({ over: 4, actionable: 2, actionableShare: 0.5 });
  expect(noiseReport([alert(90), alert(90, { isReopened: true }), alert(90), alert(null)], 10, DAY)).toMatchObject({
    reopened: 1,
    reopenShare: 0.25,
  });
  expect(noiseReport([], 0, 7 * DAY)).toMatchObject({ actionableShare: null, reopenShare: null });
});
