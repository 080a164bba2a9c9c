import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';

type EarlierFigures = Omit<CustomerFigures, 'restores' | 'semantic'> & Partial<CustomerFigures>;

/** What roll-up.ts wrote, and nothing else writes there. Months that were written before a figure was known have null in its place. */
export function readFiguresJson(json: unknown): CustomerFigures {
  return { restores: null, semantic: null, ...(json as EarlierFigures) };
}

type EarlierStanding = Omit<Standing, 'held'> & Partial<Standing>;

export function readStandingJson(json: unknown): Standing | null {
  return json === null || json === undefined ? null : { held: null, ...(json as EarlierStanding) };
}
