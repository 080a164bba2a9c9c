/** V4 signed URLs as Google Cloud Storage checks them: the canonical request is built anew and the RSA signature verified. */
import { createHash, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GcsError } from './gcs-emulator-state.ts';

const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/**
 * @param signers public keys (SPKI PEM) by service account.
 * @throws GcsError 401 without a signature, 400 ExpiredToken, 403 SignatureDoesNotMatch.
 */
export function verifyV4Signature(
  request: IncomingMessage,
  url: URL,
  signers: Readonly<Record<string, string>>,
  nowMs: number,
): void {
  const query = url.searchParams;
  const signature = query.get('X-Goog-Signature');
  if (signature === null)
    throw new GcsError(401, 'Anonymous caller does not have storage access.', 'required', 'AccessDenied');
  const [account = '', ...scope] = (query.get('X-Goog-Credential') ?? '').split('/');
  const publicKey = signers[account];
  const date = query.get('X-Goog-Date') ?? '';
  const startMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const seconds = Number(query.get('X-Goog-Expires'));
  if (publicKey === undefined || Number.isNaN(startMs) || !(seconds >= 0 && seconds <= MAX_EXPIRES_SECONDS))
    throw mismatch('unknown account, date or expiry');
  if (query.get('X-Goog-Algorithm') !== 'GOOG4-RSA-SHA256') throw mismatch('unknown algorithm');
  if (nowMs >= startMs + seconds * 1000)
    throw new GcsError(400, 'The provided token has expired.', 'expired', 'ExpiredToken');

  const signedNames = (query.get('X-Goog-SignedHeaders') ?? '').split(';');
  if (!signedNames.includes('host')) throw mismatch('the host is not signed');
  for (const name of Object.keys(request.headers)) {
    // Otherwise the holder of a URL could add conditions and metadata of his own.
    if (name.startsWith('x-goog-') && !signedNames.includes(name))
      throw new GcsError(400, `Header ${name} was sent but not signed.`, 'invalid', 'MalformedSecurityHeader');
  }
  for (const name of signedNames)
    if (request.headers[name] === undefined)
      throw new GcsError(400, `Header ${name} was signed but not sent.`, 'invalid', 'MalformedSecurityHeader');

  const canonicalRequest = [
    request.method,
    url.pathname,
    canonicalQuery(url),
    ...signedNames.map((name) => `${name}:${canonicalHeader(request, name)}`),
    '',
    signedNames.join(';'),
    String(request.headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD'),
  ].join('\n');
  const text = [
    'GOOG4-RSA-SHA256',
    date,
    scope.join('/'),
    createHash('sha256').update(canonicalRequest).digest('hex'),
  ].join('\n');
  if (!verify('RSA-SHA256', Buffer.from(text), publicKey, Buffer.from(signature, 'hex')))
    throw mismatch('wrong signature');
}

function canonicalQuery(url: URL): string {
  return url.search
    .slice(1)
    .split('&')
    .filter((part) => !part.startsWith('X-Goog-Signature='))
    .sort(undefined)
    .join('&');
}

function canonicalHeader(request: IncomingMessage, name: string): string {
  const value = String(request.headers[name]);
  // The real service is reached at its standard port, so the client signs the host without one.
  if (name === 'host') return value.replace(/:\d+$/, '');
  return value.trim().replace(/\s{2,}/g, ' ');
}

function mismatch(why: string): GcsError {
  return new GcsError(403, `Access denied: ${why}.`, 'forbidden', 'SignatureDoesNotMatch');
}
