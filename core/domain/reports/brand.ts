/** What a provider may choose about the look of its reports, and what it may not: nobody can make a report that cannot be read. */
import { z } from 'zod';
import { contrast } from './contrast.ts';

/** The ink of everything that nobody chose one for. */
export const DEFAULT_ACCENT = '#2749ad';
/** Lines and bars against the paper, as WCAG 2.2 asks of graphics (1.4.11). */
const CONTRAST_MIN = 3;
export const LOGO_BYTES_MAX = 256 * 1024;

// One line each: what steers the layout, or turns text around, has no place in a name.
const line = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .refine((text) => !/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text), {
      error: 'A name is one line of text.',
    });

export const brandTerms = z.strictObject({
  name: line(100).refine((text) => text !== '', { error: 'Say who signs the report.' }),
  accent: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .refine((colour) => contrast(colour, '#ffffff') >= CONTRAST_MIN, {
      error: 'This colour is too pale: lines and bars in it cannot be told from the paper. Choose a darker one.',
    }),
  footer: line(200),
  contact: line(200),
  paper: z.enum(['A4', 'LETTER']),
});
export type BrandTerms = z.infer<typeof brandTerms>;
