import { newId } from '../../core/base/ids.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import {
  EVIDENCE_FORMAT,
  EVIDENCE_VERSION,
  type EvidenceBody,
  type EvidenceKind,
  type EvidenceRecord,
  evidenceText,
} from '../../core/evidence/record.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { signEvidence, signingKey } from './signing-key.ts';

export interface EvidenceDraft<K extends EvidenceKind> {
  readonly tenantId: string;
  readonly customerId: string;
  readonly kind: K;
  /** What is claimed; a function is asked at the end of the transaction, when the rows are what they will be. */
  readonly body: EvidenceBody<K> | (() => Promise<EvidenceBody<K>>);
  readonly drillId?: string;
  readonly damageId?: string;
  /** The record that this one is about (findFirstRecord); a function is asked when the body is. */
  readonly about?: string | null | (() => Promise<string | null>);
}

/**
 * Adds a signed record to the customer's chain, in the change's own transaction: what is rolled back was never claimed. The
 * chain's end is locked until the commit, so the record is written when all else of the change is.
 */
export function appendEvidence<K extends EvidenceKind>(
  services: Pick<Services, 'keys' | 'clock'>,
  change: Pick<Change, 'tx' | 'atEnd'>,
  draft: EvidenceDraft<K>,
): void {
  const { tx } = change;
  const { tenantId, customerId, kind, drillId, damageId } = draft;
  change.atEnd(`evidence/${customerId}`, async () => {
    const body = typeof draft.body === 'function' ? await draft.body() : draft.body;
    const about = typeof draft.about === 'function' ? await draft.about() : (draft.about ?? null);
    const key = await signingKey(services, tx, tenantId);
    const customer = await tx.customer.findUniqueOrThrow({
      where: { tenantId_id: { tenantId, id: customerId } },
      include: { tenant: { select: { name: true } } },
    });
    const [next] = await tx.$queryRaw<{ next_sequence: bigint; previous: string }[]>`
      SELECT next_sequence, previous FROM evidence_next(${customerId}::uuid)`;
    if (next === undefined) throw new HoldfastError('internal', 'The chain of evidence has no end.');
    const id = newId(services.clock);
    const at = new Date(services.clock.nowMs());
    const text = evidenceText({
      format: EVIDENCE_FORMAT,
      version: EVIDENCE_VERSION,
      id,
      provider: { id: tenantId, name: customer.tenant.name },
      customer: { id: customerId, name: customer.name },
      sequence: Number(next.next_sequence),
      previous: next.previous,
      at: at.toISOString(),
      about,
      key: key.id,
      kind,
      body,
    } as EvidenceRecord); // kind and body belong together: the draft's type says so
    const signature = signEvidence(key, 'record', text);
    await tx.$queryRaw`SELECT evidence_append(${customerId}::uuid, ${next.next_sequence}, ${id}::uuid, ${kind},
      ${drillId ?? null}::uuid, ${damageId ?? null}::uuid, ${about}::uuid, ${at}, ${text}, ${key.id}, ${signature})`;
  });
}
