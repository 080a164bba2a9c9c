/** Page one: who, which month, the sentence, four figures, the calendar and the readiness. It must answer everything alone. */
import { weekdayOf } from '../../../core/domain/calendar.ts';
import { formatDuration } from '../../../core/domain/format.ts';
import type { MonthReport, ReportDay } from '../../../core/domain/reports/month-report.ts';
import { READINESS_PARTS } from '../../../core/domain/sla/readiness.ts';
import { percentText } from '../../../core/domain/sla/percent-text.ts';
import { PART_WORDS } from '../../../core/domain/sla/sla-words.ts';
import { INK } from './colours.ts';
import { drawCross, drawDiamond, drawHatch, drawTick } from './marks.ts';
import { MARGIN, type Paper, type Tag } from './paper.ts';

export function drawCover(paper: Paper, report: MonthReport, monthWords: string): void {
  paper.group(paper.root, 'Sect', (section) => {
    drawLetterhead(paper, section, report, monthWords);
    drawSentence(paper, section, report);
    drawFigures(paper, section, report);
    drawMonth(paper, section, report, monthWords);
  });
}

const LOGO = { width: 150, height: 34 };

function drawLetterhead(paper: Paper, section: Tag, { brand, isPreview }: MonthReport, monthWords: string): void {
  const { doc } = paper;
  paper.decoration(() => doc.rect(0, 0, doc.page.width, 7).fill(paper.accent));
  paper.y = 40;
  if (brand.logo === undefined) {
    paper.tagged(section, 'P', () =>
      paper.line(brand.name, MARGIN, paper.y + 2, paper.width * 0.6, { size: 13, weight: 'semibold' }),
    );
  } else {
    const logo = Buffer.from(brand.logo);
    paper.tagged(
      section,
      'Figure',
      () => doc.image(logo, MARGIN, paper.y - 8, { fit: [LOGO.width, LOGO.height], valign: 'center' }),
      {
        alt: brand.name,
      },
    );
  }
  const label = isPreview ? 'Preview, not closed yet' : 'Service report';
  paper.tagged(section, 'P', () =>
    paper.line(`${label} · ${monthWords}`, MARGIN + paper.width * 0.4, paper.y + 4, paper.width * 0.6, {
      size: 9,
      weight: isPreview ? 'medium' : 'regular',
      colour: isPreview ? INK.warn : INK.third,
      align: 'right',
    }),
  );
  paper.y += 62;
}

function drawSentence(paper: Paper, section: Tag, { customer, sentence, proof }: MonthReport): void {
  const name = { size: 11, weight: 'medium', colour: INK.second } as const;
  paper.tagged(section, 'H1', () => paper.line(customer, MARGIN, paper.y, paper.width, name));
  paper.y += 22;
  // A long sentence in smaller letters, so that page one stays one page.
  const size = paper.heightOf(sentence, paper.width, { size: 21, weight: 'semibold', leading: 1.26 }) > 80 ? 17 : 21;
  const large = { size, weight: 'semibold', leading: 1.26, tracking: -0.2 } as const;
  paper.tagged(section, 'P', () => {
    paper.y += paper.block(sentence, MARGIN, paper.y, paper.width, large, 5);
  });
  paper.y += 10;
  paper.tagged(section, 'P', () => {
    paper.y += paper.block(
      proof,
      MARGIN,
      paper.y,
      paper.width * 0.92,
      { size: 10.5, colour: INK.second, leading: 1.5 },
      3,
    );
  });
  paper.y += 24;
}

function drawFigures(paper: Paper, section: Tag, { figures }: MonthReport): void {
  const shown = figures.slice(0, 4);
  const gap = 10;
  const width = (paper.width - gap * 3) / 4;
  const height = 100;
  for (const [at, figure] of shown.entries()) {
    const x = MARGIN + at * (width + gap);
    const inner = width - 24;
    const ground = figure.met === false ? INK.riskGround : INK.ground;
    paper.decoration(() => {
      paper.doc.roundedRect(x, paper.y, width, height, 6).fill(ground);
      if (figure.met !== false) return;
      paper.doc.roundedRect(x, paper.y, width, height, 6).lineWidth(0.8).strokeColor(INK.risk).stroke();
    });
    paper.group(section, 'Sect', (box) => {
      const colour = figure.met === false ? INK.risk : INK.text;
      paper.tagged(box, 'P', () =>
        paper.line(figure.title, x + 12, paper.y + 12, inner, { size: 8, weight: 'medium', colour: INK.second }),
      );
      const valueSize = sizeThatFits(paper, figure.value, inner);
      paper.tagged(box, 'P', () =>
        paper.line(figure.value, x + 12, paper.y + 27 + (19 - valueSize) * 0.7, inner, {
          size: valueSize,
          weight: 'semibold',
          colour,
          isTabular: true,
          tracking: -0.2,
        }),
      );
      paper.tagged(box, 'P', () =>
        paper.block(figure.base, x + 12, paper.y + 54, inner, { size: 7.6, colour: INK.second, leading: 1.3 }, 2),
      );
      const target = figure.target === null ? 'no target agreed' : figure.target;
      paper.tagged(box, 'P', () => {
        const mark = figure.met === null ? 0 : 11;
        if (figure.met === true) drawTick(paper.doc, x + 12, paper.y + 80.5, 7, INK.good);
        if (figure.met === false) drawCross(paper.doc, x + 12, paper.y + 81, 6, INK.risk);
        paper.line(target, x + 12 + mark, paper.y + 80, inner - mark, {
          size: 7.6,
          weight: 'medium',
          colour: figure.met === true ? INK.good : figure.met === false ? INK.risk : INK.third,
        });
      });
    });
  }
  paper.y += height + 26;
}

function sizeThatFits(paper: Paper, text: string, width: number): number {
  for (const size of [19, 17, 15, 13, 11.5])
    if (paper.measure(text, { size, weight: 'semibold', isTabular: true, tracking: -0.2 }) <= width) return size;
  return 10;
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function drawMonth(paper: Paper, section: Tag, report: MonthReport, monthWords: string): void {
  const calendarWidth = Math.min(318, paper.width * 0.63);
  const top = paper.y;
  paper.tagged(section, 'H2', () =>
    paper.line(`${monthWords}, day by day`, MARGIN, top, calendarWidth, { size: 10.5, weight: 'semibold' }),
  );
  const calendarEnd = drawCalendar(paper, section, report.days, top + 22, calendarWidth);
  const x = MARGIN + calendarWidth + 34;
  drawReadiness(paper, section, report, { x, y: top, width: MARGIN + paper.width - x });
  paper.y = calendarEnd;
}

function drawCalendar(paper: Paper, section: Tag, days: readonly ReportDay[], top: number, width: number): number {
  const gap = 4;
  const cell = (width - gap * 6) / 7;
  const first = days[0] === undefined ? 0 : weekdayOf(days[0].day);
  const rows = Math.ceil((first + days.length) / 7);
  // The calendar takes what is left of the page, whatever the sentence above took, and however many weeks there are.
  const step = Math.min(56, (paper.bottom - top - 13 - 32) / rows);
  paper.decoration(() => {
    for (const [at, name] of WEEKDAYS.entries())
      paper.line(name, MARGIN + at * (cell + gap), top, cell, { size: 7, colour: INK.third });
  });
  paper.group(section, 'L', (list) => {
    for (const [at, day] of days.entries()) {
      const column = (first + at) % 7;
      const row = Math.floor((first + at) / 7);
      const box = { x: MARGIN + column * (cell + gap), y: top + 13 + row * step, width: cell, height: step - gap };
      paper.decoration(() => drawDayGround(paper, day, box));
      paper.tagged(list, 'LI', () => drawDay(paper, day, at + 1, box), { alt: dayWords(day) });
    }
  });
  const legendY = top + 13 + rows * step + 6;
  paper.decoration(() => drawLegend(paper, MARGIN, legendY, width));
  return legendY + 26;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawDayGround({ doc }: Paper, { state }: ReportDay, { x, y, width, height }: Box): void {
  if (state === 'breach') {
    doc.roundedRect(x, y, width, height, 3).fill(INK.riskGround);
    doc.roundedRect(x, y, width, height, 3).lineWidth(1).strokeColor(INK.risk).stroke();
    return;
  }
  if (state === 'excused') {
    doc.roundedRect(x, y, width, height, 3).fill(INK.ground);
    drawHatch(doc, x, y, width, height, INK.strongLine);
    return;
  }
  if (state === 'within') {
    doc.roundedRect(x, y, width, height, 3).fill(INK.goodGround);
    return;
  }
  doc.roundedRect(x, y, width, height, 3).lineWidth(0.6).dash(2, { space: 2 }).strokeColor(INK.line).stroke().undash();
}

function drawDay(paper: Paper, day: ReportDay, number: number, { x, y, width, height }: Box): void {
  const isPale = day.state === 'outside' || day.state === 'unknown';
  paper.line(String(number), x + 5, y + 4.5, 20, {
    size: 7.6,
    weight: 'medium',
    colour: isPale ? INK.third : INK.text,
    isTabular: true,
  });
  const age = day.worstAgeMs === null ? '' : formatDuration(day.worstAgeMs).split(' ').slice(0, 2).join(' ');
  if (age !== '')
    paper.line(age, x + 5, y + height - 12.5, width - 9, {
      size: 6.6,
      weight: day.state === 'breach' ? 'semibold' : 'regular',
      colour: day.state === 'breach' ? INK.risk : INK.second,
      isTabular: true,
    });
  let markX = x + width - 11;
  if (day.state === 'breach') {
    drawCross(paper.doc, markX, y + 5.5, 5, INK.risk);
    markX -= 9;
  }
  if (day.drillsFailed > 0) drawDiamond(paper.doc, markX, y + 5, 6, INK.risk, false);
  else if (day.drillsPassed > 0) drawDiamond(paper.doc, markX, y + 5, 6, INK.good, true);
}

function dayWords(day: ReportDay): string {
  const state = {
    within: 'data within the target all day',
    breach: 'data older than the target',
    excused: 'excused',
    outside: 'not part of the promise',
    unknown: 'not measured',
  }[day.state];
  const drills =
    (day.drillsPassed > 0 ? `, ${day.drillsPassed} restore tests passed` : '') +
    (day.drillsFailed > 0 ? `, ${day.drillsFailed} restore tests failed` : '');
  return `${day.day}: ${state}${day.worstAgeMs === null ? '' : `, oldest ${formatDuration(day.worstAgeMs)}`}${drills}`;
}

function drawLegend(paper: Paper, x: number, y: number, width: number): void {
  const { doc } = paper;
  const words = { size: 7, colour: INK.second } as const;
  const entries: [string, (at: number) => void][] = [
    ['within the target', (at) => doc.roundedRect(at, y, 8, 8, 2).fill(INK.goodGround)],
    [
      'target missed',
      (at) => {
        doc.roundedRect(at, y, 8, 8, 2).lineWidth(0.8).fillAndStroke(INK.riskGround, INK.risk);
        drawCross(doc, at + 2, y + 2, 4, INK.risk);
      },
    ],
    ['excused', (at) => drawHatch(doc, at, y, 8, 8, INK.third)],
    ['restore test passed', (at) => drawDiamond(doc, at + 1, y + 1, 6, INK.good, true)],
  ];
  let at = x;
  for (const [text, draw] of entries) {
    draw(at);
    paper.line(text, at + 12, y - 0.5, width, words);
    at += 12 + paper.measure(text, words) + 14;
  }
  paper.line('The time in a day is the highest age that the newest backup of any system reached.', x, y + 13, width, {
    size: 7,
    colour: INK.third,
  });
}

function drawReadiness(
  paper: Paper,
  section: Tag,
  { readiness }: MonthReport,
  place: { x: number; y: number; width: number },
): void {
  const { x, width } = place;
  let { y } = place;
  paper.tagged(section, 'H2', () => paper.line('Ready to recover', x, y, width, { size: 10.5, weight: 'semibold' }));
  y += 20;
  const measured = READINESS_PARTS.filter((part) => readiness.parts[part] !== null).length;
  paper.tagged(section, 'P', () => {
    const score = readiness.score === null ? 'Not measured' : String(readiness.score);
    const style = {
      size: readiness.score === null ? 14 : 34,
      weight: 'semibold',
      tracking: -0.6,
      isTabular: true,
    } as const;
    paper.line(score, x, y, width, style);
    if (readiness.score !== null)
      paper.line('of 100', x + paper.measure(score, style) + 6, y + 22, 60, { size: 8.5, colour: INK.third });
  });
  y += 48;
  for (const part of READINESS_PARTS) {
    const share = readiness.parts[part];
    const value = share === null ? 'not measured' : percentText(share, 1);
    const style = {
      size: share === null ? 7 : 7.8,
      weight: 'medium',
      isTabular: true,
      colour: share === null ? INK.third : INK.text,
    } as const;
    paper.tagged(section, 'P', () => {
      const room = width - paper.measure(value, style) - 6;
      paper.line(PART_WORDS[part], x, y, room, { size: 7.8, colour: INK.second });
      paper.line(value, x, y, width, { ...style, align: 'right' });
    });
    const barY = y + 13;
    paper.decoration(() => {
      paper.doc.roundedRect(x, barY, width, 4, 2).fill(INK.line);
      if (share !== null && share > 0)
        paper.doc.roundedRect(x, barY, Math.max(4, width * share), 4, 2).fill(paper.accent);
    });
    y += 27;
  }
  paper.tagged(section, 'P', () =>
    paper.block(
      measured === READINESS_PARTS.length
        ? 'A weak part pulls the whole down; nothing is averaged away.'
        : `From the ${measured} of 5 parts that are measured. A weak part pulls the whole down.`,
      x,
      y + 2,
      width,
      { size: 7, colour: INK.third },
      2,
    ),
  );
}
