/**
 * The end of each customer's chain, laid into the object store once a day: outside of the database, create-only, and under
 * retention where the store has it. Who rewrites the chain later, with whatever key, cannot make it fit to these.
 */
import { canonicalJson } from '../../core/base/canonical-json.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import { type EvidenceAnchor, evidenceAnchor, signedText, type SignedText } from '../../core/evidence/record.ts';
import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { anchorKey } from '../storage/object-store.ts';
import { openEvidenceAlert } from './evidence-alert.ts';
import { signEvidence, signingKey } from './signing-key.ts';

const DAY_MS = 24 * 3600_000;
/** Insurers ask for twelve months, the longest rules for seven years; and the files are small. */
export const ANCHOR_KEPT_MS = 7 * 366 * DAY_MS;

interface Head {
  readonly customerId: string;
  readonly sequence: bigint;
  readonly hash: string;
}

/** Anchors the UTC day that is over, for every customer whose chain has grown since its last anchor. Repeatable. */
export async function anchorDay(services: Services, scope: Scope): Promise<void> {
  const startOfToday = Math.floor(services.clock.nowMs() / DAY_MS) * DAY_MS;
  const day = new Date(startOfToday - DAY_MS).toISOString().slice(0, 10);
  const heads = await withScope(
    services,
    scope,
    (tx) => tx.$queryRaw<Head[]>`
      SELECT DISTINCT ON (r.customer_id) r.customer_id AS "customerId", r.sequence, r.hash
      FROM evidence_record r
      WHERE r.tenant_id = ${scope.tenantId}::uuid AND r.at < ${new Date(startOfToday)}
        AND NOT EXISTS (SELECT 1 FROM evidence_anchor a WHERE a.tenant_id = r.tenant_id AND a.customer_id = r.customer_id
          AND (a.day >= ${day} OR a.sequence >= r.sequence))
      ORDER BY r.customer_id, r.sequence DESC`,
  );
  for (const head of heads) await anchorHead(services, scope, day, head);
}

async function anchorHead(services: Services, scope: Scope, day: string, head: Head): Promise<void> {
  const { tenantId } = scope;
  const { customerId, sequence, hash } = head;
  const signed = await withScope(services, scope, async (tx) => {
    const key = await signingKey(services, tx, tenantId);
    const text = canonicalJson({
      format: 'holdfast-evidence-anchor',
      version: 1,
      providerId: tenantId,
      customerId,
      day,
      at: new Date(services.clock.nowMs()).toISOString(),
      sequence: Number(sequence),
      hash,
      key: key.id,
    } satisfies EvidenceAnchor);
    return { text, signature: signEvidence(key, 'anchor', text) };
  });
  const name = anchorKey(tenantId, customerId, day);
  const placed = await services.store.create(name, Buffer.from(anchorFile(signed)));
  // Placed before, by a try that ended before its row was written: what lies there is what counts, if it says the same.
  const standing = placed === 'created' ? signed : await standingAnchor(services, name);
  const claimed = standing === undefined ? undefined : readAnchor(standing);
  const isOurs = claimed?.hash === hash && claimed.sequence === Number(sequence) && claimed.customerId === customerId;
  const lock = isOurs ? await services.store.retain?.(name, services.clock.nowMs() + ANCHOR_KEPT_MS) : undefined;
  await applyChange(services, scope, async (change) => {
    await change.audit(
      'evidence.anchored',
      { kind: 'customer', id: customerId },
      { day, sequence: Number(sequence), hash, isLocked: lock === 'locked' },
    );
    if (!isOurs || standing === undefined) {
      await openEvidenceAlert(services, change, { tenantId, customerId }, 'altered', day);
      return;
    }
    await change.tx.evidenceAnchor.createMany({
      data: [
        {
          tenantId,
          customerId,
          day,
          sequence,
          hash,
          ...standing,
          isLocked: lock === 'locked',
          createdAt: new Date(services.clock.nowMs()),
        },
      ],
      skipDuplicates: true,
    });
  });
}

/** As it lies in the store. */
export function anchorFile(signed: SignedText): string {
  return `${JSON.stringify({ text: signed.text, signature: signed.signature })}\n`;
}

/** Undefined: there is none, or what is there is none. */
export async function standingAnchor(services: Pick<Services, 'store'>, name: string): Promise<SignedText | undefined> {
  try {
    const parsed = signedText.safeParse(JSON.parse(Buffer.from(await services.store.get(name)).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (isHoldfastError(error, 'object_missing') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function readAnchor(signed: SignedText): EvidenceAnchor | undefined {
  try {
    return evidenceAnchor.parse(JSON.parse(signed.text));
  } catch {
    return undefined;
  }
}
