import { INK } from './colours.ts';
import { MARGIN, type Paper, type Tag } from './paper.ts';

/** A part of the paper under a heading, with `about` below it; on a new page where `needed` points of it would not fit. */
export function section(paper: Paper, title: string, about: string, needed: number, draw: (tag: Tag) => void): void {
  const words = { size: 8.8, colour: INK.second, leading: 1.45 } as const;
  paper.reserve(30 + paper.heightOf(about, paper.width * 0.9, words) + needed);
  paper.group(paper.root, 'Sect', (tag) => {
    paper.tagged(tag, 'H2', () =>
      paper.line(title, MARGIN, paper.y, paper.width, { size: 14, weight: 'semibold', tracking: -0.1 }),
    );
    paper.y += 21;
    if (about !== '')
      paper.tagged(tag, 'P', () => {
        paper.y += paper.block(about, MARGIN, paper.y, paper.width * 0.9, words);
      });
    paper.y += 10;
    draw(tag);
  });
  paper.y += 30;
}
