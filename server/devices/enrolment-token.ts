/** The text of an enrolment token: it names its tenant, so that nothing has to be looked up across tenants. */
import { createHash, randomBytes } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';

const TOKEN = /^hfe_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

export function createTokenText(tenantId: string): string {
  return `hfe_${tenantId.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
}

/** 256 random bits need no slow hash. */
export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** @throws HoldfastError token_invalid. */
export function tenantOfToken(text: string): string {
  const match = TOKEN.exec(text);
  if (match === null) throw invalidToken();
  return match.slice(1).join('-');
}

export function invalidToken(): HoldfastError {
  return new HoldfastError(
    'token_invalid',
    'This enrolment token is not valid. Nothing was enrolled. Copy the whole token, or ask your provider for a new one.',
  );
}
