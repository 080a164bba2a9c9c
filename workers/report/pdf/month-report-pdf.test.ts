/** The paper itself: the same facts make the same bytes, and no name that a machine or a stranger chose steers the document. */
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { MonthReport } from '../../../core/domain/reports/month-report.ts';
import { sampleReport } from '../testing/sample-report.ts';
import { monthReportPdf } from './month-report-pdf.ts';

const latin = (pdf: Uint8Array): string => Buffer.from(pdf).toString('latin1');
const xmpOf = (pdf: Uint8Array): string =>
  Buffer.from(/<\?xpacket begin[\s\S]*?<\?xpacket end="w"\?>/.exec(latin(pdf))![0], 'latin1').toString('utf8');
const pagesOf = (pdf: Uint8Array): number => Number(/\/Type \/Pages\s*\/Count (\d+)/.exec(latin(pdf))![1]);

/** What a reader would select and copy, word by word: glyphs are turned back by the fonts' own tables. */
function textOf(pdf: Uint8Array): string {
  const objects = new Map<string, { head: string; stream: Buffer | null }>();
  const bytes = Buffer.from(pdf);
  for (const match of latin(pdf).matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj/g)) {
    const [, id, body] = match;
    const at = body!.indexOf('\nstream\n');
    const head = at < 0 ? body! : body!.slice(0, at);
    const begin = match.index + match[0].indexOf(body!) + at + 8;
    const length = Number(/\/Length (\d+)/.exec(head)?.[1]);
    const raw = at < 0 ? null : bytes.subarray(begin, begin + length);
    objects.set(id!, { head, stream: raw !== null && head.includes('FlateDecode') ? inflateSync(raw) : raw });
  }
  const fonts = new Map<string, ReadonlyMap<number, string>>();
  for (const { head } of objects.values())
    for (const [, name, id] of head.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      const unicode = /\/ToUnicode (\d+) 0 R/.exec(objects.get(id!)!.head)![1]!;
      fonts.set(name!, readUnicode(objects.get(unicode)!.stream!.toString('latin1')));
    }
  let text = '';
  for (const [, { head }] of objects) {
    if (!/\/Type \/Page\n/.test(head)) continue;
    const content = objects.get(/\/Contents (\d+) 0 R/.exec(head)![1]!)!.stream!.toString('latin1');
    let font: ReadonlyMap<number, string> = new Map();
    for (const [token] of content.matchAll(/\/F\d+ [\d.]+ Tf|<[0-9a-f]+>|\bET\b/g)) {
      if (token.startsWith('/')) font = fonts.get(token.slice(1).split(' ')[0]!)!;
      else if (token === 'ET') text += '\n';
      else
        for (let at = 1; at + 4 < token.length; at += 4)
          text += font.get(Number.parseInt(token.slice(at, at + 4), 16)) ?? '?';
    }
  }
  return text;
}

function readUnicode(cmap: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const [, from, , list] of cmap.matchAll(/<([0-9a-f]+)> <([0-9a-f]+)> \[([^\]]*)\]/g))
    for (const [at, one] of [...list!.matchAll(/<([0-9a-f ]*)>/g)].entries())
      found.set(
        Number.parseInt(from!, 16) + at,
        Buffer.from(one[1]!.replaceAll(' ', ''), 'hex').swap16().toString('utf16le'),
      );
  return found;
}

describe('the paper of a month', () => {
  test('is the same bytes for the same facts, whatever the process drew before', async () => {
    const report = sampleReport({ systems: 9, breaches: 2, drills: 12 });
    const first = await monthReportPdf(report);
    await monthReportPdf(
      sampleReport({ systems: 3, breaches: 0, drills: 1, name: (kind, at) => `${kind} ${at} other` }),
    );
    expect(Buffer.from(await monthReportPdf(report)).equals(first)).toBe(true);
    const later = { ...report, issuedMs: report.issuedMs + 1000 };
    expect(Buffer.from(await monthReportPdf(later)).equals(first)).toBe(false);
  });

  test('says what the facts say', async () => {
    const report = sampleReport({ systems: 9, breaches: 2, drills: 12 });
    const text = textOf(await monthReportPdf(report));
    const words = text.replace(/\s+/g, ' ');
    for (const figure of report.figures) expect(text).toContain(figure.value);
    for (const { worstAgeMs, ...breach } of report.breaches)
      expect([worstAgeMs !== null, text]).toEqual([true, expect.stringContaining(breach.system)]);
    for (const { device } of report.systems) expect(text).toContain(device);
    for (const { evidenceHash } of report.drills) expect(text).toContain(evidenceHash!.slice(0, 10));
    expect(words.replaceAll(' ', '')).toContain(report.sentence.replaceAll(' ', ''));
    expect(text).toContain('Dr. Amelia Hill');
    expect(text).toContain(report.evidence.lastHash!);
  });

  test('counts its pages, on A4 and on Letter, with nothing and with very much', async () => {
    for (const [size, box] of [
      ['A4', '0 0 595.28 841.89'],
      ['LETTER', '0 0 612 792'],
    ] as const)
      for (const sample of [
        { systems: 0, breaches: 0, drills: 0 },
        { systems: 40, breaches: 15, drills: 45 },
      ]) {
        const pdf = await monthReportPdf(sampleReport(sample), size);
        expect(latin(pdf)).toContain(`/MediaBox [${box}]`);
        const pages = pagesOf(pdf);
        const text = textOf(pdf);
        for (let page = 1; page <= pages; page++) expect(text).toContain(`${page} of ${pages}`);
      }
  });

  test('of a preview says so', async () => {
    const report: MonthReport = { ...sampleReport({ systems: 2, breaches: 0, drills: 0 }), isPreview: true };
    expect(textOf(await monthReportPdf(report))).toContain('Preview, not closed yet');
  });

  test('can be followed without eyes: language, title, headings, and words for what is drawn', async () => {
    const pdf = latin(await monthReportPdf(sampleReport({ systems: 4, breaches: 1, drills: 3 })));
    for (const part of [
      '/Lang (en-GB)',
      '/Marked true',
      '/DisplayDocTitle true',
      '/S /H1',
      '/S /H2',
      '/S /TH',
      '/S /Figure',
    ])
      expect(pdf).toContain(part);
    expect(pdf).toMatch(/\/Alt \(2026-10-01: data within the target all day/);
  });
});

/** Names that machines, customers and mail addresses bring. */
const HOSTILE: readonly string[] = [
  '',
  '   ',
  'Müller & Söhne <Kontor>',
  '</rdf:li><rdf:li>injected',
  ']]> <!-- -->',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "Robert'); DROP TABLE device;--",
  '=HYPERLINK("http://evil.test";"x")',
  '@SUM(1+1)*cmd|"/C calc"!A0',
  '+1+1',
  '-2+3',
  '(unbalanced ( brackets',
  ') /OpenAction << /S /JavaScript >>',
  'endobj\n1 0 obj\n<< /Type /Catalog >>',
  'stream\nendstream\nendobj',
  '%PDF-1.7 %%EOF',
  '\\( \\) \\\\ \\n \\777',
  'a\u0000b',
  'tab\there',
  'line\r\nbreak\u2028and\u2029paragraph',
  '\u202egnp.exe',
  '\u2066isolate\u2069',
  'zero\u200bwidth\u200djoin\ufeff',
  '\ud800 half a letter',
  '\udc00',
  '🦷 dentist 👩‍⚕️',
  'Ελληνικά Кириллица',
  '日本語の名前',
  'עברית العربية',
  'Z̷̢̛͙a̴l̵g̶o̸',
  'x'.repeat(4000),
  'no-break '.repeat(300),
  `${'W'.repeat(60)}-${'i'.repeat(60)}`,
  '../../../etc/passwd',
  'C:\\Windows\\System32',
  '{{7*7}} ${7*7} #{7*7} <%= 7*7 %>',
  'file\ufffe\uffffend',
];

/** Several to a report, for opening the fonts is most of the work: each stands in every kind of cell, and all in the title. */
const GROUPS = Array.from({ length: Math.ceil(HOSTILE.length / 6) }, (_, at) => HOSTILE.slice(at * 6, at * 6 + 6));

describe('hostile names', () => {
  test.each(GROUPS.map((names) => [names.map((name) => name.slice(0, 20)), names] as const))(
    '%j stay names',
    async (_, names) => {
      const sample = sampleReport({
        systems: 6,
        breaches: 6,
        drills: 6,
        name: (_kind, at) => names[at % names.length]!,
      });
      const title = names.join(' ');
      const report: MonthReport = {
        ...sample,
        customer: title,
        brand: { ...sample.brand, name: title, footer: title },
      };
      const pdf = await monthReportPdf({ ...report, contacts: names.map((name) => ({ name, how: name })) });
      const plain = latin(pdf);
      // One document, of one piece: nothing was ended early and nothing added.
      expect(plain.startsWith('%PDF-1.7\n')).toBe(true);
      expect(plain.split('\nstartxref\n')).toHaveLength(2);
      const outside = plain.replace(/\nstream\n[\s\S]*?\nendstream/g, '').replace(/\((?:\\.|[^\\()])*\)/g, '()');
      expect(outside).not.toMatch(/\/(JavaScript|OpenAction|AA|Launch|URI|EmbeddedFile)\b/);
      expect(outside.match(/\/Type \/Catalog/g)).toHaveLength(1);
      expect(Number(/\/Size (\d+)/.exec(outside)![1])).toBe((outside.match(/^\d+ 0 obj$/gm)?.length ?? 0) + 1);
      // Well-formed: every tag of the metadata is one of its own, and every & begins an entity. Title, author, subject.
      const xmp = xmpOf(pdf);
      expect(xmp.match(/<rdf:li/g)).toHaveLength(3);
      expect(xmp.replace(/&(amp|lt|gt);/g, '')).not.toContain('&');
      expect(xmp).not.toMatch(/<(?!\?xpacket|\/?(x|rdf|dc|xmp|pdf):)/);
      expect(pagesOf(pdf)).toBeLessThan(8);
    },
  );
});
