/** What Prisma's errors mean; by code, for its classes differ between bundles. */

export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002');
}

/** A deadlock or a serialization failure (40P01, 40001): the transaction was rolled back and may be done again. */
export function isWriteConflict(error: unknown): boolean {
  return hasCode(error, 'P2034');
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
