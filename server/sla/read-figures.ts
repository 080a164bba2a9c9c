import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';

/** What roll-up.ts wrote, and nothing else writes there. */
export function readFiguresJson(json: unknown): CustomerFigures {
  return json as CustomerFigures;
}

export function readStandingJson(json: unknown): Standing | null {
  return (json ?? null) as Standing | null;
}
