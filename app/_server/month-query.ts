import { z } from 'zod';

/** The tier whose sources a page about a month lists. */
export const tierQuery = z.object({ tier: z.string().min(1).max(80).nullable().catch(null) });

/** A month in the address of a page; what is none is the present one. */
export const monthQuery = z.object({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/)
    .nullable()
    .catch(null),
});
