/**
 * How an agent proves who it is: every request is signed with the device's Ed25519 key over method, path with query, body
 * hash, time and nonce (the shape of RFC 9421). A bearer token would be replayable from a log; client certificates would
 * need TLS to end at us. Security bar S21, S22.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { PROTOCOL_VERSION } from './version.ts';

export const HEADER = {
  protocol: 'holdfast-protocol',
  /** Of answers: see version.ts. */
  revision: 'holdfast-revision',
  tenant: 'holdfast-tenant',
  device: 'holdfast-device',
  time: 'holdfast-time',
  nonce: 'holdfast-nonce',
  bodyHash: 'holdfast-body-sha256',
  signature: 'holdfast-signature',
} as const;

/** A request is refused when its time is further than this from the server's. */
export const CLOCK_WINDOW_MS = 5 * 60_000;
/** Nonces are remembered longer than the window is wide, so that a replay cannot fall between. */
export const NONCE_KEPT_MS = 10 * 60_000;

export interface RequestToSign {
  readonly method: string;
  /** Path with query, as sent: `/agent/v1/heartbeat`. */
  readonly target: string;
  readonly body: Uint8Array;
  readonly tenantId: string;
  readonly deviceId: string;
}

export interface SignatureFields {
  readonly protocol: number;
  readonly timeMs: number;
  readonly nonce: string;
  readonly bodyHash: string;
}

export function bodyHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The exact bytes that are signed. One line a field, so that no field can run into the next. */
export function signingText(request: Omit<RequestToSign, 'body'>, fields: SignatureFields): string {
  return [
    `holdfast-request-v${fields.protocol}`,
    request.method.toUpperCase(),
    request.target,
    request.tenantId,
    request.deviceId,
    String(fields.timeMs),
    fields.nonce,
    fields.bodyHash,
  ].join('\n');
}

/** Headers of a signed request. `privateKey` is PKCS #8 PEM, `nowMs` the agent's clock corrected by the known offset. */
export function signRequest(request: RequestToSign, privateKey: string, nowMs: number): Record<string, string> {
  const fields: SignatureFields = {
    protocol: PROTOCOL_VERSION,
    timeMs: nowMs,
    nonce: randomBytes(16).toString('base64url'),
    bodyHash: bodyHash(request.body),
  };
  const signature = sign(null, Buffer.from(signingText(request, fields)), createPrivateKey(privateKey));
  return {
    [HEADER.protocol]: String(fields.protocol),
    [HEADER.tenant]: request.tenantId,
    [HEADER.device]: request.deviceId,
    [HEADER.time]: String(fields.timeMs),
    [HEADER.nonce]: fields.nonce,
    [HEADER.bodyHash]: fields.bodyHash,
    [HEADER.signature]: signature.toString('base64url'),
  };
}

/** Checks the signature alone; time window, nonce and body hash are the gateway's to check. `publicKey` is SPKI PEM. */
export function verifyRequestSignature(
  request: Omit<RequestToSign, 'body'>,
  fields: SignatureFields,
  signature: string,
  publicKey: string,
): boolean {
  return verify(
    null,
    Buffer.from(signingText(request, fields)),
    createPublicKey(publicKey),
    Buffer.from(signature, 'base64url'),
  );
}
