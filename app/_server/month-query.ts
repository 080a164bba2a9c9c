import { z } from 'zod';

/** A month in the address of a page; what is none is the present one. */
export const monthQuery = z.object({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/)
    .nullable()
    .catch(null),
});
