import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { MONTH_TABLE_NAMES } from '../../server/reports/month-tables.ts';

const exportQuery = z.object({
  month: z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/),
  /** Which table as CSV; without, everything as JSON. */
  table: z.enum(MONTH_TABLE_NAMES as [(typeof MONTH_TABLE_NAMES)[number], ...typeof MONTH_TABLE_NAMES]).optional(),
  format: z.enum(['csv', 'json']).default('csv'),
  /** Of all that may be seen, this one alone. */
  customer: z.uuid().optional(),
});

/** What an export is asked for in its address. @throws HoldfastError bad_request. */
export function readExportQuery(request: Request): z.infer<typeof exportQuery> {
  const query = exportQuery.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (query.success) return query.data;
  throw new HoldfastError('bad_request', 'A month is written like 2026-11, and a format is csv or json.');
}
