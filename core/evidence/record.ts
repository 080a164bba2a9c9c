/**
 * A record of evidence. Never changed: an approval, a remedy and a withdrawal are further records, which name the first one.
 * A change of this form is a new version beside the old one, for records are kept for years.
 */
import { z } from 'zod';
import { canonicalJson } from '../base/canonical-json.ts';
import { damageEvidence, lossEvidence } from './damage-evidence.ts';
import { drillEvidence, hex64, instant, person } from './drill-evidence.ts';

export const EVIDENCE_FORMAT = 'holdfast-evidence';
export const EVIDENCE_VERSION = 1;

const note = z.strictObject({ drillId: z.uuid(), by: person, words: z.string().min(1).max(4000).nullable() });
const reason = note.extend({ words: z.string().min(1).max(4000) });

const bodies = {
  drill: drillEvidence,
  drill_approved: note,
  drill_remediated: reason,
  drill_voided: reason,
  damage_found: damageEvidence,
  damage_repaired: damageEvidence,
  damage_lost: damageEvidence,
  loss_accepted: lossEvidence,
} as const;
export type EvidenceKind = keyof typeof bodies;
export type EvidenceBody<K extends EvidenceKind> = z.infer<(typeof bodies)[K]>;

const frame = {
  format: z.literal(EVIDENCE_FORMAT),
  version: z.literal(EVIDENCE_VERSION),
  id: z.uuid(),
  provider: z.strictObject({ id: z.uuid(), name: z.string() }),
  customer: z.strictObject({ id: z.uuid(), name: z.string() }),
  /** From 1, without gaps, for each customer. */
  sequence: z.int().min(1),
  /** The hash of the chain before this record: chain.ts. */
  previous: hex64,
  at: instant,
  /** The first record that this one is about. */
  about: z.uuid().nullable(),
  /** Id of the key that signs. */
  key: hex64,
};

export const evidenceRecord = z.discriminatedUnion('kind', [
  z.strictObject({ ...frame, kind: z.literal('drill'), body: bodies.drill }),
  z.strictObject({ ...frame, kind: z.literal('drill_approved'), body: bodies.drill_approved }),
  z.strictObject({ ...frame, kind: z.literal('drill_remediated'), body: bodies.drill_remediated }),
  z.strictObject({ ...frame, kind: z.literal('drill_voided'), body: bodies.drill_voided }),
  z.strictObject({ ...frame, kind: z.literal('damage_found'), body: bodies.damage_found }),
  z.strictObject({ ...frame, kind: z.literal('damage_repaired'), body: bodies.damage_repaired }),
  z.strictObject({ ...frame, kind: z.literal('damage_lost'), body: bodies.damage_lost }),
  z.strictObject({ ...frame, kind: z.literal('loss_accepted'), body: bodies.loss_accepted }),
]);
export type EvidenceRecord = z.infer<typeof evidenceRecord>;

/**
 * The text that is signed. Strings are made well-formed first: half a surrogate in a file's name has no place in JSON that
 * others read. @throws ZodError for a record of another form.
 */
export function evidenceText(record: EvidenceRecord): string {
  return canonicalJson(evidenceRecord.parse(wellFormed(record)));
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, wellFormed(member)]));
}

/** The head of a customer's chain at the end of a day, as it lies signed in the object store. */
export const evidenceAnchor = z.strictObject({
  format: z.literal('holdfast-evidence-anchor'),
  version: z.literal(1),
  providerId: z.uuid(),
  customerId: z.uuid(),
  /** The day that it closes, in UTC. */
  day: z.iso.date(),
  at: instant,
  /** Of the last record; also how many there are. */
  sequence: z.int().min(1),
  /** The hash of the chain after that record. */
  hash: hex64,
  key: hex64,
});
export type EvidenceAnchor = z.infer<typeof evidenceAnchor>;

/** Text and signature travel together; the text is checked as it came, and only then read. */
export const signedText = z.strictObject({ text: z.string(), signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/) });
export type SignedText = z.infer<typeof signedText>;

/** What a new key is vouched for by the one before it. */
export function endorsementText(key: { readonly id: string; readonly publicKey: string }): string {
  return canonicalJson({ id: key.id, publicKey: key.publicKey });
}
