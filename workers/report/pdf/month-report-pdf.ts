/** The monthly report as a PDF. Pure: the same facts give the same bytes. */
import { breachSentence, semanticSentence } from '../../../core/domain/reports/report-words.ts';
import { formatBytes, formatCountOf, formatDuration, formatExact, formatShort } from '../../../core/domain/format.ts';
import type { MonthReport, ReportDrill, ReportTier } from '../../../core/domain/reports/month-report.ts';
import { percentText } from '../../../core/domain/sla/percent-text.ts';
import { drawSpan, drawStorage } from './charts.ts';
import { INK } from './colours.ts';
import { drawCover } from './cover.ts';
import { MARGIN, Paper } from './paper.ts';
import { drawRestores } from './restores.ts';
import { section } from './section.ts';
import { type Column, drawTable } from './table.ts';

export async function monthReportPdf(report: MonthReport, size: 'A4' | 'LETTER' = 'A4'): Promise<Uint8Array> {
  const monthWords = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' }).format(
    Date.parse(`${report.month}-01T00:00:00Z`),
  );
  const paper = new Paper({
    size,
    title: `Service report of ${report.customer}, ${monthWords}`,
    author: report.brand.name,
    subject: 'How far data could be restored, and what proves it',
    issuedMs: report.issuedMs,
    accent: report.brand.accent,
  });
  drawCover(paper, report, monthWords);
  paper.newPage();
  drawTargets(paper, report);
  drawBreaches(paper, report);
  drawExcuses(paper, report);
  drawDrills(paper, report);
  drawRestores(paper, report);
  drawSystems(paper, report);
  drawStorageSection(paper, report);
  drawAmendments(paper, report);
  drawEvidence(paper, report);
  return await paper.finish((page, pages) => drawFoot(paper, report, monthWords, page, pages));
}

const shareText = (share: number | null, decimals = 2): string =>
  share === null ? 'not measured' : percentText(share, decimals);
const met = (share: number | null, target: number): string =>
  share === null ? INK.third : share >= target ? INK.good : INK.risk;

function drawTargets(paper: Paper, { tiers, contract }: MonthReport): void {
  const about =
    contract === null
      ? 'No contract was in force in this month. The targets below are those of the backup policies.'
      : `What was agreed (${contract}), and what was reached. A value below its target is red and says so in words.`;
  section(paper, 'Targets and what was reached', about, 90, (tag) => {
    const columns: Column<ReportTier>[] = [
      {
        title: 'Tier',
        width: 22,
        text: ({ name, sources }) => `${name}, ${formatCountOf(sources, 'system')}`,
        weight: () => 'medium',
        linesMax: 2,
      },
      {
        title: 'Data young enough',
        width: 20,
        align: 'right',
        text: ({ rpoShare, rpoTarget }) => `${shareText(rpoShare)} (agreed ${percentText(rpoTarget, 2)})`,
        colour: ({ rpoShare, rpoTarget }) => met(rpoShare, rpoTarget),
        linesMax: 2,
      },
      { title: 'at most', width: 12, align: 'right', text: ({ rpoMs }) => formatDuration(rpoMs) },
      {
        title: 'Backups made',
        width: 19,
        align: 'right',
        text: ({ successShare, successTarget }) =>
          `${shareText(successShare, 1)} (agreed ${percentText(successTarget, 1)})`,
        colour: ({ successShare, successTarget }) => met(successShare, successTarget),
        linesMax: 2,
      },
      {
        title: 'Restore-tested',
        width: 17,
        align: 'right',
        text: ({ drilled, sources, drillLevel }) => `${drilled} of ${sources}, level ${drillLevel}`,
        linesMax: 2,
        colour: ({ drilled, sources }) => (drilled >= sources ? INK.good : INK.risk),
      },
      {
        title: 'Missed by',
        width: 26,
        text: ({ belowTarget, worstSource }) =>
          belowTarget === 0 || worstSource === null
            ? 'none'
            : `${formatCountOf(belowTarget, 'system')}, worst ${worstSource.name} (${percentText(worstSource.rpoShare, 2)})`,
        linesMax: 3,
      },
    ];
    drawTable(paper, tag, columns, tiers);
    const credit = Math.max(0, ...tiers.map(({ creditPercent }) => creditPercent));
    if (credit > 0)
      paper.tagged(tag, 'P', () => {
        paper.y += 8;
        paper.y += paper.block(
          `By the contract, ${credit} % of the fee of the month is paid back.`,
          MARGIN,
          paper.y,
          paper.width,
          {
            size: 9,
            weight: 'medium',
          },
        );
      });
  });
}

function drawBreaches(paper: Paper, { breaches, breachesTotal, days, timeZone }: MonthReport): void {
  const about = breachSentence({ shown: breaches.length, total: breachesTotal, days });
  section(paper, 'When a target was missed', about, breaches.length === 0 ? 0 : 80, (tag) => {
    if (breaches.length === 0) return;
    drawTable(
      paper,
      tag,
      [
        { title: 'System', width: 20, text: ({ system }) => system, weight: () => 'medium', linesMax: 2 },
        { title: 'From', width: 13, text: ({ startMs }) => formatShort(startMs, timeZone) },
        {
          title: 'For',
          width: 14,
          align: 'right',
          text: ({ startMs, endMs, isOpen }) => `${formatDuration(endMs - startMs)}${isOpen ? ', open' : ''}`,
        },
        {
          title: 'Oldest',
          width: 12,
          align: 'right',
          text: ({ worstAgeMs }) => (worstAgeMs === null ? 'no backup' : formatDuration(worstAgeMs)),
          colour: () => INK.risk,
        },
        { title: 'Cause', width: 24, text: ({ cause }) => cause, linesMax: 3 },
        { title: 'What was done', width: 22, text: ({ remedy }) => remedy, linesMax: 3 },
      ],
      breaches,
    );
  });
}

function drawExcuses(paper: Paper, { excuses, timeZone }: MonthReport): void {
  if (excuses.length === 0) return;
  section(
    paper,
    'Time that was excused',
    'It is left out of the shares above, and never out of the age of data.',
    60,
    (tag) =>
      drawTable(
        paper,
        tag,
        [
          { title: 'System', width: 24, text: ({ system }) => system, weight: () => 'medium', linesMax: 2 },
          { title: 'From', width: 16, text: ({ startMs }) => formatShort(startMs, timeZone) },
          { title: 'For', width: 14, align: 'right', text: ({ startMs, endMs }) => formatDuration(endMs - startMs) },
          { title: 'Reason', width: 30, text: ({ reason }) => reason, linesMax: 3 },
          { title: 'Approved by', width: 20, text: ({ approvedBy }) => approvedBy, linesMax: 2 },
        ],
        excuses,
      ),
  );
}

const RESULT_WORDS: Readonly<Record<ReportDrill['result'], string>> = {
  passed: 'passed',
  failed: 'failed',
  void: 'void: could not be carried out',
};
const DRILLS_MAX = 40;
const SPANS_MAX = 12;

function drawDrills(paper: Paper, { drills, semantic, timeZone }: MonthReport): void {
  const passed = drills.filter(({ result }) => result === 'passed').length;
  const failed = drills.filter(({ result }) => result === 'failed').length;
  const about =
    drills.length === 0
      ? 'No restore test was made in this month: nothing of it is proven.'
      : `Backups were restored and looked at ${formatCountOf(drills.length, 'time')}: ${passed} passed, ${failed} failed${
          drills.length > passed + failed ? `, ${drills.length - passed - failed} could not be carried out` : ''
        }. Level 3 compares files with what the machine read, level 4 opens them with their application, level 5 starts the system. ${semanticSentence(semantic)}`.trimEnd();
  section(paper, 'Restore tests', about, 100, (tag) => {
    const timed = drills.filter(({ rtoMs, result }) => rtoMs !== null && result === 'passed').slice(0, SPANS_MAX);
    if (timed.length > 0) {
      const longest = Math.max(...timed.map(({ rtoMs, rtoTargetMs }) => Math.max(rtoMs!, rtoTargetMs ?? 0)));
      paper.tagged(tag, 'H3', () =>
        paper.line('How long it took', MARGIN, paper.y, paper.width, { size: 9.5, weight: 'semibold' }),
      );
      paper.y += 17;
      for (const drill of timed) drawSpan(paper, tag, drill, longest);
      paper.y += 10;
    }
    // Those that failed first: the list may be longer than anybody reads.
    const order = { failed: 0, void: 1, passed: 2 };
    const shown = [...drills].sort(
      (a, b) => order[a.result] - order[b.result] || b.level - a.level || b.endedMs - a.endedMs,
    );
    if (shown.length > 0)
      drawTable(
        paper,
        tag,
        [
          { title: 'System', width: 24, text: ({ system }) => system, weight: () => 'medium', linesMax: 2 },
          { title: 'When', width: 14, text: ({ endedMs }) => formatShort(endedMs, timeZone) },
          { title: 'Level', width: 7, align: 'right', text: ({ level }) => String(level) },
          {
            title: 'Result',
            width: 14,
            text: ({ result }) => RESULT_WORDS[result],
            colour: ({ result }) => (result === 'passed' ? INK.good : result === 'failed' ? INK.risk : INK.third),
            weight: () => 'medium',
            linesMax: 2,
          },
          { title: 'What was seen', width: 34, text: ({ note }) => note, linesMax: 3 },
          {
            title: 'Record',
            width: 13,
            text: ({ evidenceHash }) => evidenceHash?.slice(0, 10) ?? 'none',
            align: 'right',
          },
        ],
        shown.slice(0, DRILLS_MAX),
      );
    if (shown.length > DRILLS_MAX)
      paper.tagged(tag, 'P', () => {
        paper.y += 6;
        paper.y += paper.block(
          `And ${formatCountOf(shown.length - DRILLS_MAX, 'more test')}, all ${shown.slice(DRILLS_MAX).every(({ result }) => result === 'passed') ? 'passed' : 'listed in the portal'}: the exported table has every one.`,
          MARGIN,
          paper.y,
          paper.width,
          { size: 8.4, colour: INK.second },
        );
      });
  });
}

function drawSystems(paper: Paper, { systems, timeZone }: MonthReport): void {
  const about =
    systems.length === 0
      ? 'Nothing is protected yet.'
      : `${formatCountOf(systems.length, 'system')} with ${formatBytes(systems.reduce((sum, one) => sum + one.protectedBytes, 0))}. The last column is the deepest restore test that was passed, and when.`;
  section(paper, 'What is protected', about, 80, (tag) => {
    if (systems.length === 0) return;
    drawTable(
      paper,
      tag,
      [
        {
          title: 'System',
          width: 30,
          text: ({ device, source }) => (source === '' ? device : `${device}: ${source}`),
          weight: () => 'medium',
          linesMax: 2,
        },
        { title: 'Tier', width: 14, text: ({ tier }) => tier },
        { title: 'Size', width: 12, align: 'right', text: ({ protectedBytes }) => formatBytes(protectedBytes) },
        { title: 'Young enough', width: 14, align: 'right', text: ({ rpoShare }) => shareText(rpoShare) },
        {
          title: 'Oldest',
          width: 14,
          align: 'right',
          text: ({ worstAgeMs }) => (worstAgeMs === null ? 'no backup' : formatDuration(worstAgeMs)),
        },
        {
          title: 'Proven',
          width: 20,
          align: 'right',
          text: ({ provenLevel, provenMs }) =>
            provenLevel === null || provenMs === null
              ? 'not yet'
              : `level ${provenLevel}, ${formatShort(provenMs, timeZone).split(',')[0]}`,
          colour: ({ provenLevel }) => (provenLevel === null ? INK.warn : INK.good),
        },
      ],
      systems,
    );
  });
}

function drawStorageSection(paper: Paper, { storage }: MonthReport): void {
  const last = storage.at(-1);
  if (last === undefined) return;
  const about = `${formatBytes(last.protectedBytes)} of data are kept, with all their versions, in ${formatBytes(last.storedBytes)} of storage.`;
  section(paper, 'Storage', about, 150, (tag) => drawStorage(paper, tag, storage));
}

function drawAmendments(paper: Paper, { amendments, timeZone }: MonthReport): void {
  if (amendments.length === 0) return;
  section(
    paper,
    'Corrections',
    'The month was closed with other figures. What changed since, and why, is listed here and stays listed.',
    60,
    (tag) =>
      drawTable(
        paper,
        tag,
        [
          { title: 'When', width: 16, text: ({ atMs }) => formatShort(atMs, timeZone) },
          { title: 'Figure', width: 26, text: ({ figure }) => figure, weight: () => 'medium', linesMax: 2 },
          { title: 'Was', width: 14, align: 'right', text: ({ before }) => before },
          { title: 'Is', width: 14, align: 'right', text: ({ after }) => after },
          { title: 'Cause', width: 34, text: ({ cause }) => cause, linesMax: 3 },
        ],
        amendments,
      ),
  );
}

function drawEvidence(paper: Paper, { evidence, contacts, issuedMs, timeZone }: MonthReport): void {
  const about =
    evidence.records === 0
      ? 'There is no signed record for this month.'
      : `Every restore test of this report is a signed record in an unbroken chain: ${formatCountOf(evidence.records, 'record')} in this month. Anybody can check them, without an account and without us.`;
  section(paper, 'How to check this report', about, 90, (tag) => {
    const facts: [string, string][] = [
      ['Check a record at', evidence.checkUrl],
      ['Or on your own machine', 'holdfast verify-evidence FILE'],
      ...(evidence.lastHash === null ? [] : [['Last link of the chain', evidence.lastHash] as [string, string]]),
      ...(evidence.keyId === null ? [] : [['Signed by the key', evidence.keyId] as [string, string]]),
      ['Report made', formatExact(issuedMs, timeZone)],
      ...contacts.map(({ name, how }) => [name, how] as [string, string]),
    ];
    for (const [name, value] of facts) {
      paper.reserve(18);
      paper.tagged(tag, 'P', () => {
        paper.line(name, MARGIN, paper.y, 130, { size: 8.4, colour: INK.third });
        paper.line(value, MARGIN + 140, paper.y, paper.width - 140, { size: 8.4, weight: 'medium', isTabular: true });
      });
      paper.y += 17;
    }
  });
}

function drawFoot(
  paper: Paper,
  { brand, customer }: MonthReport,
  monthWords: string,
  page: number,
  pages: number,
): void {
  const y = paper.doc.page.height - 34;
  const style = { size: 7.4, colour: INK.third } as const;
  const number = `${page} of ${pages}`;
  const numberWidth = paper.measure(number, style) + 14;
  // An address is as long as it is: the customer's side takes what it needs, up to half of the line.
  const whose = paper.fit(`${customer} · ${monthWords}`, paper.width * 0.48 - numberWidth, style);
  const whoseWidth = paper.measure(whose, style) + 1;
  const right = whoseWidth + numberWidth;
  paper.line(brand.footer === '' ? brand.name : brand.footer, MARGIN, y, paper.width - right - 14, style);
  paper.line(whose, MARGIN + paper.width - right, y, whoseWidth, { ...style, align: 'right' });
  paper.line(number, MARGIN, y, paper.width, { ...style, align: 'right', isTabular: true });
}
