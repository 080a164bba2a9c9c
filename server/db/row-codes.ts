/** What Prisma's errors mean; by code, for its classes differ between bundles. */

export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002');
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
