/** What errors of the database mean; by code, Prisma's or the driver's own, for Prisma's classes differ between bundles. */

export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002') || hasCode(error, '23505');
}

/** A deadlock or a serialization failure (40P01, 40001): the transaction was rolled back and may be done again. */
export function isWriteConflict(error: unknown): boolean {
  return ['P2034', '40P01', '40001'].some((code) => hasCode(error, code));
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
