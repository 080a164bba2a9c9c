/** Reports of a given size, from a seed: for tests, the bench, and for looking at. */
import type {
  MonthReport,
  ReportDay,
  ReportDrill,
  ReportRestore,
  ReportSystem,
} from '../../../core/domain/reports/month-report.ts';
import { restoreFigures } from '../../../core/domain/sla/restore-service.ts';

export interface SampleSize {
  readonly systems: number;
  readonly breaches: number;
  readonly drills: number;
  readonly seed?: number;
  /** Goes into every name. */
  readonly name?: (kind: string, at: number) => string;
}

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const MONTH_START = Date.UTC(2026, 9, 1);
const MACHINES = ['SRV-SQL', 'SRV-FILES', 'SRV-DC', 'NAS', 'WEB', 'ERP', 'LAPTOP-RECEPTION', 'PRACTICE'];
const CAUSES: readonly (readonly [string, string])[] = [
  ['The machine was switched off over the weekend', 'Asked to leave it on; wake-up by network set up'],
  ['The line to the internet was down', 'Provider mended it; the backup caught up by itself'],
  ['The database refused the dump: disk full', 'Old logs removed, alert at 90 % added'],
];

/** A delivered one, one that failed and one of which nothing more was heard. */
function sampleRestores(machine: (at: number) => string): MonthReport['restores'] {
  const askedMs = MONTH_START + 6 * DAY;
  const one = { device: machine(0), askedMs, way: 'download' as const, asker: 'customer' as const };
  const rows: ReportRestore[] = [
    {
      ...one,
      id: 'r1',
      firstByteMs: askedMs + 1200,
      endedMs: askedMs + 41_000,
      state: 'delivered',
      bytes: 2.4e8,
      reason: null,
    },
    {
      ...one,
      id: 'r2',
      asker: 'provider',
      way: 'machine',
      firstByteMs: askedMs + 9000,
      endedMs: askedMs + 0.4 * HOUR,
      state: 'failed',
      bytes: 8e9,
      reason: '1 file kept as they were, because something stands in their place.',
    },
    {
      ...one,
      id: 'r3',
      asker: 'machine',
      way: 'machine',
      firstByteMs: null,
      endedMs: askedMs + 9 * HOUR,
      state: 'abandoned',
      bytes: null,
      reason: 'Nothing more was heard of it.',
    },
  ];
  const times = rows.map(({ askedMs: requestedMs, ...row }) => ({ ...row, requestedMs }));
  return { figures: restoreFigures(times, { startMs: MONTH_START, endMs: MONTH_START + 31 * DAY }), rows };
}

export function sampleReport({ systems, breaches, drills, seed = 1, name = (kind) => kind }: SampleSize): MonthReport {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const machine = (at: number): string =>
    name(`${MACHINES[at % MACHINES.length]}-${String(at + 1).padStart(2, '0')}`, at);
  const breachDays = new Set(Array.from({ length: breaches }, (_, at) => 2 + ((at * 7) % 28)));
  const isEmpty = systems === 0;
  const days = Array.from({ length: 31 }, (_, at): ReportDay => {
    const isBreach = breachDays.has(at);
    return {
      day: `2026-10-${String(at + 1).padStart(2, '0')}`,
      state: isEmpty ? 'outside' : isBreach ? 'breach' : at === 17 ? 'excused' : 'within',
      worstAgeMs: isEmpty ? null : isBreach ? (25 + random() * 30) * HOUR : (3 + random() * 3) * HOUR,
      outcomes: isEmpty ? {} : { ok: systems, ...(isBreach ? { missed: 1 } : {}) },
      drillsPassed: drills > 0 && at % 3 === 1 ? 1 : 0,
      drillsFailed: drills > 20 && at === 9 ? 1 : 0,
    };
  });
  const list = Array.from(
    { length: systems },
    (_, at): ReportSystem => ({
      device: machine(at),
      source: at % 4 === 0 ? 'PostgreSQL praxis' : '',
      tier: at % 5 === 0 ? 'Critical' : 'Standard',
      rpoShare: at < breaches ? 0.97 + random() * 0.02 : 1,
      worstAgeMs: (at < breaches ? 30 : 5) * HOUR + random() * HOUR,
      restorePoints: 31,
      protectedBytes: Math.floor(10 ** (9 + random() * 3)),
      provenLevel: at % 9 === 8 ? null : at % 4 === 0 ? 4 : 3,
      provenMs: at % 9 === 8 ? null : MONTH_START + (20 + random() * 10) * DAY,
    }),
  );
  const tests = Array.from(
    { length: drills },
    (_, at): ReportDrill => ({
      id: `drill-${at}`,
      system: machine(at % Math.max(1, systems)),
      level: at % 4 === 0 ? 4 : 3,
      endedMs: MONTH_START + (at + 1) * (30 / drills) * DAY,
      result: at === 21 ? 'failed' : at === 13 ? 'void' : 'passed',
      rtoMs: at === 13 ? null : (12 + random() * 200) * 60_000,
      isEstimated: at % 4 !== 0,
      rtoTargetMs: 4 * HOUR,
      behindMs: at % 4 === 0 ? 5 * 60_000 + at * 1000 : null,
      note:
        at === 21
          ? 'The dump loads, but 9 of 10 rows of "invoice" are gone'
          : at % 4 === 0
            ? 'Loaded, 41 tables, 1,204,311 rows, amcheck clean'
            : '50 files, all as the machine read them',
      evidenceHash: `${(at + 1).toString(16).padStart(4, '0')}9f3c71ab60`.repeat(5).slice(0, 64),
    }),
  );
  return {
    brand: {
      name: name('Northgate IT Services', 0),
      accent: '#2749ad',
      footer: 'Northgate IT Services Ltd · 14 Quay Street, Bristol · +44 117 496 0000',
    },
    customer: name('Hill Street Dental Practice', 0),
    timeZone: 'Europe/London',
    month: '2026-10',
    issuedMs: Date.UTC(2026, 10, 1, 7, 30),
    isPreview: false,
    sentence: isEmpty
      ? 'Nothing was protected in October.'
      : breaches === 0
        ? 'Your data was recoverable all month; the worst case was 5 h 10 min on 12 October.'
        : 'Your data was recoverable within the target for 99.4 % of October; the worst case was 2 days 6 h on 9 October.',
    proof:
      drills === 0
        ? 'No restore test was made in this month, so nothing of it is proven yet.'
        : `${drills} restore tests were made, the deepest at level 4: the database of the practice was loaded and answered. Your newest proven data is from 30 October.`,
    readiness: isEmpty
      ? { score: null, parts: { rpo: null, drills: null, integrity: null, immutability: null, coverage: null } }
      : {
          score: breaches === 0 ? 96 : 88,
          parts: { rpo: breaches === 0 ? 1 : 0.9943, drills: 0.9, integrity: 1, immutability: null, coverage: 0.967 },
        },
    figures: [
      {
        title: 'Data young enough',
        value: isEmpty ? 'Not measured' : breaches === 0 ? '100 %' : '99.43 %',
        base: `of ${systems * 744} system-hours`,
        target: 'agreed: 99.90 %',
        met: isEmpty ? null : breaches === 0,
      },
      {
        title: 'Most that could be lost',
        value: isEmpty ? 'Not measured' : breaches === 0 ? '5 h 10 min' : '2 days 6 h',
        base: isEmpty ? 'no system' : `on 12 October, ${machine(0)}`,
        target: 'agreed: 24 h',
        met: isEmpty ? null : breaches === 0,
      },
      {
        title: 'Backups made',
        value: isEmpty ? 'None' : '99.8 %',
        base: `${systems * 31 - breaches} of ${systems * 31} expected`,
        target: 'agreed: 98.0 %',
        met: isEmpty ? null : true,
      },
      {
        title: 'Restore tests',
        value: drills === 0 ? 'None' : `${Math.max(0, drills - 2)} of ${drills}`,
        base: 'passed, deepest level 4',
        target: null,
        met: null,
      },
    ],
    days,
    contract: 'version 3, from 1 July 2026',
    tiers: isEmpty
      ? []
      : ['Critical', 'Standard'].map((tier, at) => ({
          name: tier,
          sources: Math.max(1, Math.ceil(systems * (at === 0 ? 0.2 : 0.8))),
          rpoMs: (at === 0 ? 4 : 24) * HOUR,
          rtoMs: (at === 0 ? 4 : 24) * HOUR,
          rpoShare: breaches > 0 && at === 1 ? 0.9943 : 1,
          rpoTarget: 0.999,
          successShare: 0.998,
          successTarget: 0.98,
          expected: systems * 31,
          drilled: Math.floor(systems * (at === 0 ? 0.2 : 0.7)),
          drillLevel: at === 0 ? 4 : 3,
          rtoAttained: 1,
          worstSource: breaches > 0 && at === 1 ? { name: machine(1), rpoShare: 0.9711 } : null,
          belowTarget: at === 1 ? Math.min(breaches, systems) : 0,
          creditPercent: breaches > 5 && at === 1 ? 5 : 0,
        })),
    breaches: Array.from({ length: breaches }, (_, at) => ({
      system: machine(at % Math.max(1, systems)),
      startMs: MONTH_START + (2 + ((at * 7) % 28)) * DAY,
      endMs: MONTH_START + (2 + ((at * 7) % 28)) * DAY + (1 + random() * 20) * HOUR,
      isOpen: at === breaches - 1 && breaches > 10,
      worstAgeMs: (25 + random() * 30) * HOUR,
      cause: CAUSES[at % 3]![0],
      remedy: CAUSES[at % 3]![1],
    })),
    breachesTotal: breaches,
    restores: isEmpty ? { figures: null, rows: [] } : sampleRestores(machine),
    semantic: isEmpty ? null : { of: 2, unknown: 1, worst: { drillId: 'd', behindMs: 0.4 * HOUR }, medianMs: 60_000 },
    excuses: isEmpty
      ? []
      : [
          {
            system: machine(2),
            startMs: MONTH_START + 17 * DAY,
            endMs: MONTH_START + 18 * DAY,
            reason: 'Office move, announced on 2 October',
            approvedBy: 'Dr. Amelia Hill',
          },
        ],
    amendments:
      breaches > 5
        ? [
            {
              atMs: MONTH_START + 34 * DAY,
              figure: 'Data young enough',
              before: '99.61 %',
              after: '99.43 %',
              cause: 'A restore point of 14 October was found damaged and does not count any more',
            },
          ]
        : [],
    drills: tests,
    systems: list,
    storage: Array.from({ length: isEmpty ? 0 : 9 }, (_, at) => ({
      month: `2026-${String(at + 2).padStart(2, '0')}`,
      storedBytes: Math.floor((300 + 40 * at) * 1e9),
      protectedBytes: Math.floor((410 + 25 * at) * 1e9),
    })),
    evidence: {
      records: drills,
      lastHash: drills === 0 ? null : '7c1f'.repeat(16),
      keyId: drills === 0 ? null : 'b41e'.repeat(16),
      checkUrl: 'https://backup.northgate.example/verify',
    },
    contacts: [{ name: 'In an emergency', how: '+44 117 496 0001, day and night' }],
  };
}
