import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DayFigures, type FileFigures, figuresByDay, type SealedBackup } from './day-figures.ts';
import {
  farSignals,
  GROWTH_SIGNALS,
  type GrowthSignalName,
  growthSignals,
  isGrowthUnusual,
  medianOf,
  robustZ,
} from './growth.ts';
import { GROWTH_WORDS, signalWords } from './growth-words.ts';
import { ransomwareSign } from './ransomware-sign.ts';

const DAY = 86_400_000;
const T = Date.UTC(2026, 10, 21, 12);
const GB = 1e9;
const LIMITS = { alone: 8, together: 4 };

/** A file server of 100 GB on a usual day. */
function usualFiles(day: number): FileFigures {
  return {
    files: { former: 10_000, changed: 100 + (day % 7), gone: 5 + (day % 3) },
    readBytes: 5 * GB,
    newBytes: 2 * GB + (day % 5) * 1e7,
    storedBytes: GB + (day % 3) * 1e7,
    entropyBits: 5 + (day % 4) / 20,
  };
}
function usual(day: number, over: Partial<DayFigures> = {}, files: Partial<FileFigures> = {}): DayFigures {
  return {
    day,
    storedBytes: GB + (day % 3) * 1e7,
    addedBytes: 2 * GB + (day % 5) * 1e7,
    files: 10_000 + (day % 4),
    bytes: 100 * GB,
    changes: { ...usualFiles(day), ...files },
    ...over,
  };
}
const WEEKS = Array.from({ length: 28 }, (_, at) => usual(at - 28));
const OLD_WEEKS = WEEKS.map((day) => ({ ...day, changes: null }));
const farOf = (today: DayFigures, weeks: readonly DayFigures[] = WEEKS): GrowthSignalName[] =>
  farSignals(growthSignals(today, weeks), LIMITS).map(({ name }) => name);

describe('a day against its four weeks', () => {
  test('a usual day and a quiet day are not unusual', () => {
    expect(farOf(usual(0))).toEqual([]);
    expect(
      farOf(usual(0, {}, { ...usualFiles(0), readBytes: 1, newBytes: 0, storedBytes: 0, entropyBits: null })),
    ).toEqual([]);
  });

  test.each<[string, Partial<FileFigures>, GrowthSignalName[]]>([
    ['ten times the new data', { newBytes: 20 * GB, readBytes: 50 * GB, storedBytes: 10 * GB }, ['unique']],
    ['a third of the files changed', { files: { former: 10_000, changed: 3300, gone: 5 } }, ['changed']],
    ['a third of the files gone', { files: { former: 10_000, changed: 100, gone: 3300 } }, ['gone']],
    ['random and incompressible', { entropyBits: 7.99, storedBytes: 2 * GB }, ['entropy', 'stored']],
    ['everything that was read is new and random', { readBytes: 2 * GB, entropyBits: 7.99 }, ['entropy', 'known']],
  ])('%s is unusual, and exactly that is named', (_, files, names) => {
    expect(farOf(usual(0, {}, files)).toSorted()).toEqual(names);
  });

  test('encrypting a share of the files is named by all that it shows in, whether or not there is much of it', () => {
    for (const share of [0.1, 0.3, 1]) {
      const newBytes = share * 100 * GB;
      const files = { files: { former: 10_000, changed: share * 10_000, gone: 0 }, newBytes, readBytes: newBytes };
      const far = farOf(usual(0, {}, { ...files, storedBytes: newBytes, entropyBits: 7.99 }));
      expect(far).toEqual(expect.arrayContaining(['unique', 'entropy', 'known', 'stored']));
    }
  });

  test('on days that bring next to nothing the ratios jump about and are not unusual; encryption after them is', () => {
    const quiet = (day: number, bits = 4.5): DayFigures =>
      usual(day, {}, { newBytes: 4e7, readBytes: 4e8, storedBytes: 2e7, entropyBits: bits });
    const weeks = Array.from({ length: 28 }, (_, at) => quiet(at - 28));
    expect(farOf(usual(0, {}, { newBytes: 4e7, readBytes: 4e7, storedBytes: 4e7, entropyBits: 8 }), weeks)).toEqual([]);
    const encrypted = { newBytes: 2 * GB, readBytes: 2 * GB, storedBytes: 2 * GB, entropyBits: 8 };
    expect(farOf(usual(0, {}, encrypted), weeks).toSorted()).toEqual(['entropy', 'known', 'stored']);
  });

  test('one signal that is rather far is not enough, two are', () => {
    const one = usual(0, {}, { files: { former: 10_000, changed: 1500, gone: 5 } });
    const two = usual(0, {}, { files: { former: 10_000, changed: 1500, gone: 1300 } });
    expect(farOf(one)).toEqual([]);
    expect(farOf(two).toSorted()).toEqual(['changed', 'gone']);
  });

  test('the first backup and the week after it never alarm', () => {
    const backups = (count: number): DayFigures[] =>
      Array.from({ length: count }, (_, at) =>
        at === 0 ? usual(at, {}, { files: null, newBytes: 100 * GB, readBytes: 100 * GB }) : usual(at),
      );
    for (let count = 1; count < 40; count += 1) {
      const days = backups(count);
      expect(farOf(days.at(-1)!, days.slice(0, -1))).toEqual([]);
    }
  });

  test('a dump of a database never alarms, whatever its size and kind: neither as a source nor as a weekly file', () => {
    // A source of dumps: what was added grows with it, what files show does not.
    for (const dumpBytes of [GB, 50 * GB, 500 * GB]) {
      const dumped = { addedBytes: dumpBytes, storedBytes: dumpBytes, bytes: 100 * GB + dumpBytes };
      expect(farOf(usual(0, dumped))).toEqual([]);
      expect(ransomwareSign(usual(0, dumped), WEEKS)).toBeUndefined();
    }
    // A file that a script writes each Sunday: the fourth Sunday is a habit.
    const sunday = { newBytes: 60 * GB, readBytes: 60 * GB, storedBytes: 60 * GB, entropyBits: 7.9 };
    const weeks = WEEKS.map((day) => (day.day % 7 === 0 ? usual(day.day, {}, sunday) : day));
    expect(farOf(usual(0, {}, sunday), weeks)).toEqual([]);
    expect(farOf(usual(0, {}, { ...sunday, newBytes: 90 * GB, readBytes: 90 * GB }), weeks)).toContain('unique');
  });

  test('a night’s dump that is new in a folder alarms for three days, not until the median has moved', () => {
    const dump = { newBytes: 60 * GB, readBytes: 60 * GB, storedBytes: 30 * GB };
    const far: boolean[] = [];
    const days: DayFigures[] = [...WEEKS];
    for (let day = 0; day < 6; day += 1) {
      const today = usual(day, {}, dump);
      far.push(farOf(today, days).length > 0);
      days.push(today);
    }
    expect(far).toEqual([true, true, true, false, false, false]);
  });

  test('a machine that was off for ten days brings ten days of changes, which is usual', () => {
    const off = WEEKS.filter(({ day }) => day < -10);
    const files = { files: { former: 10_000, changed: 1000, gone: 60 }, newBytes: 20 * GB, readBytes: 50 * GB };
    expect(farOf(usual(0, {}, { ...files, storedBytes: 10 * GB }), off)).toEqual([]);
    // On one day it is not.
    expect(farOf(usual(0, {}, { ...files, storedBytes: 10 * GB }))).toEqual(['unique']);
  });

  test('an agent that says nothing of files is judged by what its backups were', () => {
    const old = (over: Partial<DayFigures>): DayFigures => usual(0, { changes: null, ...over });
    expect(farOf(old({}), OLD_WEEKS)).toEqual([]);
    expect(farOf(old({ storedBytes: 10 * GB, addedBytes: 20 * GB }), OLD_WEEKS)).toContain('unique');
    expect(farOf(old({ files: 1000 }), OLD_WEEKS)).toEqual(['gone']);
    expect(farOf(old({ addedBytes: null }), OLD_WEEKS)).toEqual([]);
  });

  test('in the week after an update of the agent like is compared with like', () => {
    // Half of what was added were dumps: the files alone look quite different, and that is no news.
    const files = { newBytes: 2 * GB, readBytes: 2 * GB, storedBytes: 2 * GB, entropyBits: 8 };
    const days: DayFigures[] = WEEKS.map(({ day }) => usual(day, { addedBytes: 40 * GB, changes: null }));
    for (let day = 0; day < 12; day += 1) {
      const today = usual(day, { addedBytes: 40 * GB }, files);
      expect(farOf(today, days)).toEqual([]);
      days.push(today);
    }
    // That week is not blind: the whole backup is compared until there are enough days of files.
    const encrypted = { addedBytes: 90 * GB, storedBytes: 90 * GB };
    expect(farOf(usual(0, encrypted, { newBytes: 90 * GB, readBytes: 90 * GB }), OLD_WEEKS)).toContain('unique');
  });
});

describe('a floor below every spread', () => {
  /** Days without any spread: a MAD of nothing. */
  const still = (day: number, files: Partial<FileFigures> = {}): DayFigures => ({
    ...{ day, storedBytes: 0, addedBytes: 0, files: 1000, bytes: 10 * GB },
    changes: {
      ...{
        files: { former: 1000, changed: 0, gone: 0 },
        readBytes: 1e6,
        newBytes: 0,
        storedBytes: 0,
        entropyBits: null,
      },
      ...files,
    },
  });
  const stillWeeks = Array.from({ length: 28 }, (_, at) => still(at - 28));

  test('where nothing ever changed a harmless change is finite and does not alarm', () => {
    const some = still(0, {
      ...{
        files: { former: 1000, changed: 60, gone: 40 },
        readBytes: 3e8,
        newBytes: 3e8,
        storedBytes: 2e8,
        entropyBits: 7,
      },
    });
    const signals = growthSignals(some, stillWeeks);
    expect(signals.map(({ name }) => name)).toEqual(['unique', 'changed', 'gone']);
    for (const { z } of signals) expect(Number.isFinite(z)).toBe(true);
    expect(isGrowthUnusual(signals, LIMITS)).toBe(false);
  });

  test('and mass changes there alarm all the same', () => {
    const files = { former: 1000, changed: 900, gone: 0 };
    const all = { files, readBytes: 9 * GB, newBytes: 9 * GB, storedBytes: 9 * GB, entropyBits: 8 };
    expect(farOf(still(0, all), stillWeeks)).toEqual(expect.arrayContaining(['unique', 'changed']));
  });

  test('of a handful of files a change says nothing', () => {
    const few = (day: number, changed: number): DayFigures => ({
      ...still(day, { files: { former: 4, changed, gone: 0 } }),
      files: 4,
    });
    const weeks = Array.from({ length: 28 }, (_, at) => few(at - 28, 0));
    expect(farOf(few(0, 4), weeks)).toEqual([]);
  });
});

describe('whatever the figures are', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const bytes = fc.double({ min: 0, max: 1e13, noNaN: true }).map(Math.round);
  const anyFiles: fc.Arbitrary<FileFigures> = fc
    .record({ former: fc.nat(1e7), changed: share, gone: share, read: bytes, isNew: share, stored: share, bits: share })
    .map(({ former, changed, gone, read, isNew, stored, bits }) => {
      const changedFiles = Math.floor(former * changed);
      const newBytes = Math.round(read * isNew);
      return {
        files: { former, changed: changedFiles, gone: Math.floor((former - changedFiles) * gone) },
        ...{ readBytes: read, newBytes, storedBytes: Math.round(newBytes * stored * 1.1), entropyBits: bits * 8 },
      };
    });
  const anyDays = fc.uniqueArray(
    fc.record({
      day: fc.integer({ min: -40, max: 0 }),
      storedBytes: bytes,
      addedBytes: fc.option(bytes),
      files: fc.nat(1e7),
      bytes,
      changes: fc.option(anyFiles),
    }),
    { minLength: 1, maxLength: 41, selector: ({ day }) => day },
  );
  const split = (days: readonly DayFigures[]): [DayFigures, DayFigures[]] => {
    const sorted = days.toSorted((a, b) => a.day - b.day);
    return [sorted.at(-1)!, sorted.slice(0, -1)];
  };

  test('every distance is finite, at least nothing, and not in the direction that does no harm', () => {
    fc.assert(
      fc.property(anyDays, (days) => {
        const signals = growthSignals(...split(days));
        for (const { name, value, usual, spread, z } of signals) {
          expect(Number.isFinite(value) && Number.isFinite(z) && spread > 0).toBe(true);
          const isHarmful = name === 'known' ? value < usual : value > usual;
          if (!isHarmful) expect(z).toBe(0);
          else if (['unique', 'changed', 'gone'].includes(name)) expect(z).toBeGreaterThan(0);
        }
        expect(signals.map(({ name }) => name)).toEqual(
          GROWTH_SIGNALS.filter((one) => signals.some(({ name }) => name === one)),
        );
      }),
    );
  });

  test('the order of the former days does not matter, and days before the four weeks do not count', () => {
    fc.assert(
      fc.property(anyDays, fc.infiniteStream(fc.nat()), (days, chance) => {
        const [today, former] = split(days);
        const shuffled = former
          .map((day) => ({ day, key: chance.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ day }) => day);
        const signals = growthSignals(today, former);
        expect(growthSignals(today, shuffled)).toEqual(signals);
        expect(
          growthSignals(
            today,
            former.filter(({ day }) => today.day - day <= 28),
          ),
        ).toEqual(signals);
      }),
    );
  });

  test('a day exactly like one that was common before never alarms', () => {
    fc.assert(
      fc.property(anyFiles, fc.integer({ min: 3, max: 28 }), (files, times) => {
        const weeks = Array.from({ length: 28 }, (_, at) => usual(at - 28, {}, at >= 28 - times ? files : {}));
        expect(farOf(usual(0, {}, files), weeks)).toEqual([]);
      }),
    );
  });

  test('each signal is said with its value and what is usual', () => {
    fc.assert(
      fc.property(anyDays, (days) => {
        for (const signal of growthSignals(...split(days))) {
          const words = signalWords(signal);
          expect(words).toContain(GROWTH_WORDS[signal.name].format(signal.value));
          expect(words).toContain(`usually ${GROWTH_WORDS[signal.name].format(signal.usual)}`);
          expect(words).not.toMatch(/NaN|Infinity|undefined/);
        }
      }),
    );
  });

  test('the robust distance does not change with the unit or the zero of what is measured', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 7, maxLength: 30 });
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: -2000, max: 2000 }),
        fc.constantFrom(2, 4, 1024),
        fc.integer({ min: -50, max: 50 }),
        (former, value, scale, shift) => {
          const moved = former.map((one) => one * scale + shift);
          const [a, b] = [robustZ(value, former), robustZ(value * scale + shift, moved)];
          if (Number.isFinite(a)) expect(b).toBeCloseTo(a, 6);
          else expect(b).toBe(a);
          const sorted = [...former].sort((x, y) => x - y);
          const below = sorted.filter((one) => one <= medianOf(former)).length;
          expect(below * 2).toBeGreaterThanOrEqual(former.length);
        },
      ),
    );
  });
});

describe('mass encryption', () => {
  test('is seen by what no longer compresses; a new video collection is not taken for it', () => {
    for (const weeks of [WEEKS, OLD_WEEKS]) {
      const at = (bytes: { newBytes: number; storedBytes: number }, over: Partial<DayFigures> = {}): DayFigures => {
        const figures = { addedBytes: bytes.newBytes, storedBytes: bytes.storedBytes, ...over };
        return weeks === WEEKS
          ? usual(0, figures, { ...bytes, readBytes: bytes.newBytes })
          : usual(0, { ...figures, changes: null });
      };
      const bytes = { newBytes: 40 * GB, storedBytes: 40 * GB };
      expect(ransomwareSign(at(bytes), weeks)).toMatch(/40 % of its data is new in one day and no longer compresses/);
      expect(ransomwareSign(at({ ...bytes, storedBytes: 20 * GB }), weeks)).toBeUndefined();
      expect(ransomwareSign(at(bytes, { bytes: 140 * GB, files: 10_100 }), weeks)).toBeUndefined();
      const photos = weeks.map((day) => usual(day.day, { storedBytes: day.addedBytes! }, { storedBytes: 2 * GB }));
      expect(ransomwareSign(at(bytes), photos)).toBeUndefined();
      expect(ransomwareSign(at(bytes), weeks.slice(-3))).toBeUndefined();
    }
  });
});

describe('backups by day', () => {
  const backup = (sealedMs: number, changes: FileFigures | null): SealedBackup => ({
    ...{ sealedMs, storedBytes: 1, addedBytes: 1, files: 1, bytes: 1 },
    changes,
  });

  test('every backup is in one day, and a daily one an hour earlier or later does not leave its own', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 20 }), (jitterMinutes) => {
        const backups = jitterMinutes.map((minutes, at) =>
          backup(T - at * DAY + (at === 0 ? 0 : minutes * 60_000), null),
        );
        const days = figuresByDay(backups, T);
        expect(days.map(({ storedBytes }) => storedBytes)).toEqual(backups.map(() => 1));
        expect(days.at(-1)?.day).toBe(0);
      }),
    );
  });

  test('of several in a day what changed is added up, and the entropy counts by how much was new', () => {
    const [small, large] = [usualFiles(0), usualFiles(1)];
    const [{ changes }] = figuresByDay(
      [
        backup(T, { ...small, newBytes: 1e6, entropyBits: 2 }),
        backup(T - 3_600_000, { ...large, newBytes: 3e6, entropyBits: 6 }),
        backup(T - 7_200_000, { ...large, files: null, newBytes: 5e6, entropyBits: null }),
      ],
      T,
    ) as [DayFigures];
    expect(changes).toMatchObject({ newBytes: 9e6, entropyBits: 5, files: { former: 10_000, changed: 201, gone: 11 } });
    expect(figuresByDay([backup(T, small), backup(T - 3_600_000, null)], T)[0]!.changes).toBeNull();
  });
});
