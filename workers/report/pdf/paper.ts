/**
 * A document on paper: pages with a foot, a column that text flows down, and the tags that let a screen reader follow. Lengths
 * are points (1/72 inch), from the top left corner. Everything drawn is either tagged with its meaning or marked as decoration.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import PDFDocument from 'pdfkit';
import { INK } from './colours.ts';

/** Inter with all of its letters: Latin, Greek and Cyrillic. Read once a process. */
const FONT_FILES = {
  regular: '400Regular/Inter_400Regular',
  medium: '500Medium/Inter_500Medium',
  semibold: '600SemiBold/Inter_600SemiBold',
};
export type Weight = keyof typeof FONT_FILES;
let fonts: ReadonlyMap<Weight, Buffer> | undefined;

function loadFonts(): ReadonlyMap<Weight, Buffer> {
  const { resolve } = createRequire(import.meta.url);
  fonts ??= new Map(
    (Object.entries(FONT_FILES) as [Weight, string][]).map(([weight, file]) => [
      weight,
      readFileSync(resolve(`@expo-google-fonts/inter/${file}.ttf`)),
    ]),
  );
  return fonts;
}

export interface TextStyle {
  readonly size: number;
  readonly weight?: Weight;
  readonly colour?: string;
  readonly align?: 'left' | 'right' | 'center';
  /** Figures of one width, for columns. */
  readonly isTabular?: boolean;
  /** Distance of the lines, as a multiple of the size. */
  readonly leading?: number;
  /** Between letters, in points. */
  readonly tracking?: number;
}

/** Widths at a size of one point. Most words of a report stand in every other report too. */
const widths = new Map<string, number>();
const WIDTHS_MAX = 50_000;
const MEASURE_SIZE = 1000;

/** A tag of the document's structure, to which others are added. */
export type Tag = PDFKit.PDFStructureElement;

export interface PaperOptions {
  readonly size: 'A4' | 'LETTER';
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  readonly issuedMs: number;
  readonly accent: string;
}

export const MARGIN = 48;
/** Kept free at the bottom of each page for its foot. */
const FOOT = 52;

export class Paper {
  readonly doc: PDFKit.PDFDocument;
  readonly accent: string;
  readonly root: Tag;
  /** Where the next thing begins. */
  y = MARGIN;
  readonly #done: Promise<Uint8Array>;
  #onNewPage: (() => void) | undefined;

  constructor({ size, title, author, subject, issuedMs, accent }: PaperOptions) {
    this.accent = accent;
    const issued = new Date(issuedMs);
    this.doc = new PDFDocument({
      size,
      margin: 0,
      bufferPages: true,
      autoFirstPage: false,
      tagged: true,
      lang: 'en-GB',
      displayTitle: true,
      pdfVersion: '1.7',
      // All that varies comes in by parameter: the same facts make the same bytes.
      info: {
        Title: printable(title),
        Author: printable(author),
        Subject: printable(subject),
        Creator: 'Holdfast',
        Producer: 'Holdfast',
        CreationDate: issued,
        ModDate: issued,
      },
    });
    // Opened in one order: PDFKit numbers them as they are first used, and what was measured before, for another report, is
    // not measured again.
    for (const [weight, file] of loadFonts()) this.doc.registerFont(weight, file).font(weight);
    escapeMetadata(this.doc);
    this.#done = collect(this.doc);
    this.root = this.doc.struct('Document');
    this.doc.addStructure(this.root);
    this.newPage();
  }

  get width(): number {
    return this.doc.page.width - 2 * MARGIN;
  }

  /** The lowest point that content may reach. */
  get bottom(): number {
    return this.doc.page.height - FOOT;
  }

  newPage(): void {
    this.doc.addPage();
    this.y = MARGIN;
    this.#onNewPage?.();
  }

  /** Makes sure that `height` fits below; what begins here is not torn apart. */
  reserve(height: number): void {
    if (this.y + height > this.bottom) this.newPage();
  }

  /** Runs `draw` with something that each new page begins with: the head of a table that goes on. */
  withPageHead(head: () => void, draw: () => void): void {
    const before = this.#onNewPage;
    this.#onNewPage = head;
    draw();
    this.#onNewPage = before;
  }

  /** Draws something that has a meaning, under a tag of it. */
  tagged(parent: Tag, type: string, draw: () => void, options: { readonly alt?: string } = {}): void {
    const content = this.doc.markStructureContent(type);
    draw();
    this.doc.endMarkedContent();
    const element = this.doc.struct(type, options, [content]);
    parent.add(element);
    element.end();
  }

  /** Draws what a reader of the text need not know of: lines, grounds, repeated heads. */
  decoration(draw: () => void): void {
    this.doc.markContent('Artifact', { type: 'Layout' });
    draw();
    this.doc.endMarkedContent();
  }

  group(parent: Tag, type: string, fill: (tag: Tag) => void, options: { readonly alt?: string } = {}): void {
    const element = this.doc.struct(type, options);
    parent.add(element);
    fill(element);
    element.end();
  }

  style({ size, weight = 'regular', colour = INK.text }: TextStyle): void {
    this.doc.font(weight).fontSize(size).fillColor(colour);
  }

  /** One line at a place, cut with an ellipsis where `width` ends. Untagged: to be called within `tagged` or `decoration`. */
  line(text: string, x: number, y: number, width: number, style: TextStyle): void {
    const shown = this.fit(text, width, style);
    const free = width - this.measure(shown, style);
    this.style(style);
    const shift = style.align === 'right' ? free : style.align === 'center' ? free / 2 : 0;
    this.doc.text(shown, x + shift, y, { lineBreak: false, ...this.#options(shown, style) });
  }

  /** Lines in a column, at most `linesMax` of them. @returns their height. */
  block(text: string, x: number, y: number, width: number, style: TextStyle, linesMax = Infinity): number {
    const lines = this.wrap(text, width, style, linesMax);
    const step = style.size * (style.leading ?? 1.4);
    for (const [at, line] of lines.entries()) this.line(line, x, y + at * step, width + 1, style);
    return lines.length * step;
  }

  heightOf(text: string, width: number, style: TextStyle, linesMax = Infinity): number {
    return this.wrap(text, width, style, linesMax).length * style.size * (style.leading ?? 1.4);
  }

  measure(text: string, style: TextStyle): number {
    const { size, weight = 'regular', tracking = 0 } = style;
    const isTabular = hasTabular(text, style);
    const key = `${weight}${isTabular ? 1 : 0}${text}`;
    let width = widths.get(key);
    if (width === undefined) {
      // The font alone: a colour would be written into the page, and into the first report of a process only.
      this.doc.font(weight).fontSize(MEASURE_SIZE);
      width = this.doc.widthOfString(text, isTabular ? { features: ['tnum'] } : {}) / MEASURE_SIZE;
      if (widths.size >= WIDTHS_MAX) widths.clear();
      widths.set(key, width);
    }
    return width * size + tracking * text.length;
  }

  fit(text: string, width: number, style: TextStyle): string {
    const whole = printable(text);
    const letters = Array.from(whole);
    const most = lettersMax(width, style);
    if (letters.length <= most && this.measure(whole, style) <= width) return whole;
    let low = 0;
    let high = Math.min(letters.length, most);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.measure(`${letters.slice(0, middle).join('').trimEnd()}…`, style) <= width) low = middle;
      else high = middle - 1;
    }
    return `${letters.slice(0, low).join('').trimEnd()}…`;
  }

  /** Words that are longer than a line are broken where they must. */
  wrap(text: string, width: number, style: TextStyle, linesMax = Infinity): string[] {
    const lines: string[] = [];
    let line = '';
    // A figure and its sign stay on one line.
    const words = printable(text)
      .replace(/(\d) %/g, '$1\u00a0%')
      .split(' ');
    for (const [at, whole] of words.entries()) {
      let word = whole;
      // Nobody will see the lines after these; the last of them is cut where it ends.
      if (lines.length > linesMax) {
        line = words.slice(at).join(' ');
        break;
      }
      while (lines.length <= linesMax) {
        const longer = line === '' ? word : `${line} ${word}`;
        if (longer.length <= 2 * lettersMax(width, style) && this.measure(longer, style) <= width) {
          line = longer;
          break;
        }
        if (line !== '') {
          lines.push(line);
          line = '';
          continue;
        }
        const cut = this.#headThatFits(word, width, style);
        lines.push(cut);
        word = word.slice(cut.length);
      }
    }
    if (line !== '') lines.push(line);
    if (lines.length <= linesMax) return lines;
    const kept = lines.slice(0, linesMax);
    kept[linesMax - 1] = this.fit(`${kept[linesMax - 1]} ${lines.slice(linesMax).join(' ')}`, width, style);
    return kept;
  }

  #headThatFits(word: string, width: number, style: TextStyle): string {
    const letters = Array.from(word);
    let count = 1;
    let tooMany = Math.min(letters.length, lettersMax(width, style)) + 1;
    while (count + 1 < tooMany) {
      const middle = Math.floor((count + tooMany) / 2);
      if (this.measure(letters.slice(0, middle).join(''), style) <= width) count = middle;
      else tooMany = middle;
    }
    const head = letters.slice(0, count).join('');
    // A name such as LAPTOP-RECEPTION-07 is broken where its maker joined it.
    const joint = Math.max(...['-', '_', '.', '/', '@', '\\'].map((mark) => head.lastIndexOf(mark)));
    return joint >= head.length * 0.3 ? head.slice(0, joint + 1) : head;
  }

  #options(text: string, style: TextStyle): PDFKit.Mixins.TextOptions {
    const { tracking = 0 } = style;
    const isTabular = hasTabular(text, style);
    // Only where they are needed: PDFKit shapes a word once, and each time anew as soon as features are named.
    return { ...(isTabular ? { features: ['tnum'] } : {}), characterSpacing: tracking };
  }

  /** Writes the foot of every page and ends the document. */
  async finish(foot: (page: number, pages: number) => void): Promise<Uint8Array> {
    const { count } = this.doc.bufferedPageRange();
    for (let page = 0; page < count; page++) {
      this.doc.switchToPage(page);
      this.decoration(() => foot(page + 1, count));
    }
    this.root.end();
    this.doc.end();
    return await this.#done;
  }
}

/**
 * Inter draws the point of 97.1 under the 7, where it is overlooked: 971 %. Figures of one width keep it apart.
 */
const hasTabular = (text: string, { isTabular = false }: TextStyle): boolean => isTabular || /\d[.,]\d/.test(text);

/** No more letters than this can stand in a width: the narrowest takes a fifth of its height. Measuring costs by the letter. */
const lettersMax = (width: number, { size }: TextStyle): number => Math.ceil(width / (size * 0.2));

/** Longer than anything that is read on paper. Without a bound a name of a megabyte would hold a worker for minutes. */
const TEXT_CHARS_MAX = 2000;

/** Names come from machines and strangers: what is no letter is shown as a space, and nothing steers the layout. */
function printable(whole: string): string {
  const text = whole.length > TEXT_CHARS_MAX ? `${whole.slice(0, TEXT_CHARS_MAX)}…` : whole;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones meant
  return text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\s]+/gu, ' ')
    .trim();
}

/** PDFKit writes title and author into XML as they are, after it has written them as PDF strings: for a name such as B & C. */
function escapeMetadata(doc: PDFKit.PDFDocument): void {
  const end = doc.endMetadata.bind(doc);
  doc.endMetadata = () => {
    const { info } = doc;
    for (const name of ['Title', 'Author', 'Subject'] as const)
      if (info[name] !== undefined) info[name] = xmlText(info[name]);
    end();
  };
}

function xmlText(text: string): string {
  return text
    .replace(/[\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

async function collect(doc: PDFKit.PDFDocument): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  return await new Promise((resolve, reject) => {
    doc.on('data', (piece: Buffer) => pieces.push(piece));
    doc.on('end', () => resolve(Buffer.concat(pieces)));
    doc.on('error', reject);
  });
}
