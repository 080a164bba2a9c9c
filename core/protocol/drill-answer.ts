/**
 * What a machine tells of a drill that it made itself: hashes and times, nothing of the contents. It is signed, and kept as it
 * came in the evidence. What the hashes should have been, the machine was not told: the server compares.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../base/canonical-json.ts';
import { ERROR_CODES } from '../base/errors.ts';

const milliseconds = z.number().min(0);

export const drillAnswer = z.strictObject({
  version: z.literal(1),
  drillId: z.uuid(),
  snapshotId: z.string().regex(/^[0-9a-f]{64}$/),
  startedMs: z.int(),
  finishedMs: z.int(),
  timingsMs: z.strictObject({ locate: milliseconds, transfer: milliseconds, checks: milliseconds }),
  /** What came back. */
  files: z
    .array(
      z.strictObject({
        path: z.string().max(8192),
        size: z.number().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(1000),
  /** Asked for, and not whole in the vault. */
  damaged: z.array(z.string().max(8192)).max(1000),
  /** Why nothing could be restored. */
  problem: z.strictObject({ code: z.enum(ERROR_CODES), message: z.string().max(2000) }).nullable(),
  software: z.record(z.string().max(64), z.string().max(200)),
});
export type DrillAnswer = z.infer<typeof drillAnswer>;

export interface SignedAnswer {
  readonly text: string;
  /** Base64url Ed25519 over `holdfast-drill-v1\n` + text. */
  readonly signature: string;
}

const PREFIX = 'holdfast-drill-v1\n';

export function signDrillAnswer(answer: DrillAnswer, privateKey: string): SignedAnswer {
  const text = canonicalJson(answer);
  const signature = sign(null, Buffer.from(PREFIX + text), createPrivateKey(privateKey)).toString('base64url');
  return { text, signature };
}

export function isDrillAnswerValid(signed: SignedAnswer, publicKey: string): boolean {
  const { text, signature } = signed;
  return verify(null, Buffer.from(PREFIX + text), createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
}
