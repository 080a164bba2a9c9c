/**
 * Signed URLs of the embedded store: what V4 signatures are to Google Cloud Storage. `<baseUrl>/objects/v1/<key>?…` carries
 * every term in clear and an HMAC-SHA256 over all of them with the method, so a holder can do exactly that one thing until
 * it expires: put these bytes under this name once, or read this object.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { isObjectKey } from './object-key.ts';
import type { DownloadTerms, SignedRequest, UploadTerms } from './port.ts';

export interface UrlSigning {
  /** Public base URL of the gateway, without a slash at the end: `https://gateway.example`. */
  readonly baseUrl: string;
  /** 32 random bytes. */
  readonly key: Uint8Array;
}

export const OBJECTS_PATH = '/objects/v1/';

export type VerifiedUrl =
  | { readonly kind: 'upload'; readonly key: string; readonly terms: UploadTerms }
  | { readonly kind: 'download'; readonly key: string; readonly terms: DownloadTerms };

export function signUploadUrl(signing: UrlSigning, key: string, terms: UploadTerms): SignedRequest {
  return {
    method: 'PUT',
    url: signedUrl(signing, 'PUT', key, {
      expires: String(terms.expiresMs),
      size: String(terms.size),
      crc32c: terms.crc32c,
      sha256: terms.sha256,
    }),
    headers: { 'content-type': 'application/octet-stream' },
  };
}

export function signDownloadUrl(signing: UrlSigning, key: string, terms: DownloadTerms): SignedRequest {
  return {
    method: 'GET',
    url: signedUrl(signing, 'GET', key, {
      expires: String(terms.expiresMs),
      ...(terms.filename === undefined ? {} : { filename: terms.filename }),
    }),
    headers: {},
  };
}

function signedUrl(signing: UrlSigning, method: string, key: string, fields: Record<string, string>): string {
  const query = new URLSearchParams(fields);
  query.set('signature', signature(signing.key, method, key, fields).toString('base64url'));
  return `${signing.baseUrl.replace(/\/+$/, '')}${OBJECTS_PATH}${key}?${query}`;
}

/** JSON of an array keeps the fields apart, whatever they contain. */
function signature(secret: Uint8Array, method: string, key: string, fields: Readonly<Record<string, string>>): Buffer {
  const text = JSON.stringify(['holdfast-object-v1', method, key, ...Object.entries(fields).sort(byName)]);
  return createHmac('sha256', secret).update(text).digest();
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const UPLOAD_FIELDS = 'crc32c,expires,sha256,size';
const DOWNLOAD_FIELDS = new Set(['expires', 'expires,filename']);

/**
 * What this URL allows. `pathAndQuery` is the request target as it came (`/objects/v1/…?…`).
 * @throws HoldfastError signature_invalid (altered, made for another method, or signed by another key);
 * lease_expired, grant_expired.
 */
export function verifySignedUrl(
  method: string,
  pathAndQuery: string,
  options: { readonly key: Uint8Array; readonly nowMs: number },
): VerifiedUrl {
  const questionMark = pathAndQuery.indexOf('?');
  const path = questionMark < 0 ? pathAndQuery : pathAndQuery.slice(0, questionMark);
  const entries = [...new URLSearchParams(questionMark < 0 ? '' : pathAndQuery.slice(questionMark + 1))];
  const fields = Object.fromEntries(entries.filter(([name]) => name !== 'signature'));
  const names = Object.keys(fields).sort(undefined).join(',');
  const key = path.startsWith(OBJECTS_PATH) ? path.slice(OBJECTS_PATH.length) : '';
  const given = Buffer.from(entries.find(([name]) => name === 'signature')?.[1] ?? '', 'base64url');
  const wanted = signature(options.key, method, key, fields);
  const isWhole =
    isObjectKey(key) &&
    // A repeated parameter would be signed once and perhaps read elsewhere as another.
    entries.length === Object.keys(fields).length + 1 &&
    (method === 'PUT' ? names === UPLOAD_FIELDS : method === 'GET' && DOWNLOAD_FIELDS.has(names));
  if (!isWhole || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new HoldfastError('signature_invalid', 'This link was altered or is not complete. Ask for a new one.');
  }
  const expiresMs = Number(fields['expires']);
  if (!(options.nowMs < expiresMs)) {
    throw method === 'PUT'
      ? new HoldfastError('lease_expired', 'The time to upload this object is over. Ask for a new lease.')
      : new HoldfastError('grant_expired', 'This download link is too old. Ask for a new one.');
  }
  if (method === 'GET') {
    const filename = fields['filename'];
    return { kind: 'download', key, terms: { expiresMs, ...(filename === undefined ? {} : { filename }) } };
  }
  return {
    kind: 'upload',
    key,
    terms: { expiresMs, size: Number(fields['size']), crc32c: fields['crc32c']!, sha256: fields['sha256']! },
  };
}

/** For stores that were set up without signing: repositories on a disk, which nobody reaches by URL. */
export function signingMissing(): HoldfastError {
  return new HoldfastError('service_missing', 'This store was set up without a signing key, so it has no links.');
}
