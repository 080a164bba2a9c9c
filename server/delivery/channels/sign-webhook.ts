/**
 * Signatures in the manner of Standard Webhooks (standardwebhooks.com, 1.0.0): HMAC-SHA256 over `id.timestamp.body`, one value
 * for each secret that is valid, so that a receiver can change to a new one in its own time.
 */
import { createHmac, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

export function newSigningSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

export function webhookHeaders(
  { id, timestampMs, body }: { id: string; timestampMs: number; body: string },
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(timestampMs / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
