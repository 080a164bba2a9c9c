/** One file with everything that a check needs, and nothing that it has to fetch. */
import { z } from 'zod';
import { hex64, instant } from './drill-evidence.ts';
import { signedText } from './record.ts';

export const BUNDLE_FORMAT = 'holdfast-evidence-bundle';

export const evidenceKey = z.strictObject({
  id: hex64,
  /** Ed25519, 32 bytes in base64url. */
  publicKey: z.string(),
  createdAt: instant,
  retiredAt: instant.nullable(),
  /** The key before it, and what that one signed. Both null for the first. */
  endorsedBy: hex64.nullable(),
  endorsement: z.string().nullable(),
});
export type EvidenceKey = z.infer<typeof evidenceKey>;

export const evidenceBundle = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  version: z.literal(1),
  readme: z.array(z.string()),
  provider: z.strictObject({ id: z.uuid(), name: z.string() }),
  customer: z.strictObject({ id: z.uuid(), name: z.string() }),
  madeAt: instant,
  /** What was asked for, in words. */
  contents: z.string(),
  keys: z.array(evidenceKey).min(1),
  records: z.array(signedText),
  /** Records between those above that are not given out here: their place in the chain alone. */
  omitted: z.array(z.strictObject({ sequence: z.int().min(1), sha256: hex64 })),
  anchors: z.array(signedText),
  /** Signed lists of machines from which the hashes of the tested files come; those that are too long are left out. */
  manifests: z.array(z.strictObject({ runId: z.uuid(), text: z.string() })),
  /** What screens of started systems showed, named by checks of the records; PNG in base64url. Older bundles have none. */
  pictures: z.array(z.strictObject({ sha256: hex64, png: z.string() })).optional(),
});
export type EvidenceBundle = z.infer<typeof evidenceBundle>;
