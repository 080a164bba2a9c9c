import type { Services } from '../services.ts';
import type { Tx } from './client.ts';

export interface AuthLookup {
  /** Lower case. */
  readonly email?: string;
  /** SHA-256 hex of a session token. */
  readonly tokenHash?: string;
  /** For writing an audit row of the account that was found. */
  readonly tenantId?: string;
}

/** One transaction that sees the account with this address and the session with this token, and nothing else. */
export async function withAuth<T>(
  services: Pick<Services, 'db'>,
  lookup: AuthLookup,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const settings = {
    'app.auth_email': lookup.email ?? '',
    'app.auth_token_hash': lookup.tokenHash ?? '',
    'app.tenant_id': lookup.tenantId ?? '',
    'app.customer_id': 'every',
  };
  return await services.db.transaction('holdfast_auth', settings, work);
}
