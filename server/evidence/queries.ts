/** Evidence to look at and to take away. Every query is the customer's own people's as well as the staff's: the scope decides. */
import { z } from 'zod';
import { chainHash, isSignatureValid, sha256HexOf, SIGNED_PREFIX } from '../../core/evidence/chain.ts';
import { evidenceAnchor, evidenceRecord, type EvidenceKind, type EvidenceRecord } from '../../core/evidence/record.ts';
import type { EvidenceKey } from '../../core/evidence/bundle.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { EvidenceRecord as EvidenceRow } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface EvidenceLine {
  readonly sequence: number;
  readonly id: string;
  readonly kind: EvidenceKind;
  readonly atMs: number;
  readonly drillId: string | null;
  /** The record that this one is about. */
  readonly aboutId: string | null;
  /** An anchor in the object store covers it: not even who holds the key can change it unseen. */
  readonly isAnchored: boolean;
}

/** A customer's records, the newest first. `before`: the sequence of the last one that was seen, for the next page. */
export async function listEvidence(
  services: Services,
  scope: Scope,
  wanted: { readonly customerId: string; readonly limit: number; readonly before?: number },
): Promise<EvidenceLine[]> {
  const { tenantId } = scope;
  const { customerId, limit, before } = wanted;
  return await withScope(services, scope, async (tx) => {
    const anchoredUpTo = await lastAnchored(tx, tenantId, customerId);
    const records = await tx.evidenceRecord.findMany({
      where: { tenantId, customerId, ...(before === undefined ? {} : { sequence: { lt: BigInt(before) } }) },
      orderBy: { sequence: 'desc' },
      take: limit,
      omit: { text: true },
    });
    return records.map((record) => toLine(record, anchoredUpTo));
  });
}

export interface DrillEvidenceView {
  /** The verdict first, then what people said to it. */
  readonly records: readonly (EvidenceLine & {
    readonly record: EvidenceRecord;
    readonly text: string;
    /** Its signature is of the key that it names, and its place in the chain follows from it: checked now, not remembered. */
    readonly isSound: boolean;
  })[];
  /** Ids of the keys that signed them: what the reader compares with what the provider publishes. */
  readonly keyIds: readonly string[];
}

/** Every record of one drill, for its page. Empty for a drill that has not ended, or is older than evidence. @throws not_found. */
export async function viewDrillEvidence(services: Services, scope: Scope, drillId: string): Promise<DrillEvidenceView> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const drill = await tx.drill.findUnique({
      where: { tenantId_id: { tenantId, id: drillId } },
      select: { customerId: true },
    });
    if (drill === null) throw new HoldfastError('not_found', 'There is no such drill.');
    const anchoredUpTo = await lastAnchored(tx, tenantId, drill.customerId);
    const rows = await tx.evidenceRecord.findMany({ where: { tenantId, drillId }, orderBy: { sequence: 'asc' } });
    const keys = new Map((await readEvidenceKeys(tx, tenantId)).map(({ id, publicKey }) => [id, publicKey]));
    const sound = await Promise.all(rows.map((row) => isRowSound(row, keys.get(row.keyId) ?? '')));
    return {
      records: rows.map((row, at) => ({
        ...toLine(row, anchoredUpTo),
        record: evidenceRecord.parse(JSON.parse(row.text)),
        text: row.text,
        isSound: sound[at] === true,
      })),
      keyIds: [...new Set(rows.map(({ keyId }) => keyId))],
    };
  });
}

async function isRowSound(
  row: Pick<EvidenceRow, 'text' | 'signature' | 'previousHash' | 'hash'>,
  publicKey: string,
): Promise<boolean> {
  const { text, signature, previousHash, hash } = row;
  if ((await chainHash(previousHash, await sha256HexOf(text))) !== hash) return false;
  return await isSignatureValid({ prefix: SIGNED_PREFIX.record, text, signature, publicKey });
}

export interface EvidenceCompleteness {
  /** Drills of the window that ended, void ones among them. */
  readonly drills: number;
  /** Of these, those with a signed record that has every field, and an anchor that covers it. */
  readonly complete: number;
  /** Those with a record that no anchor covers yet: what is missing is time. */
  readonly waitingForAnchor: number;
}

/** Metric 22. Times are milliseconds since the epoch, the end exclusive; of one customer, or of all that the scope sees. */
export async function evidenceCompleteness(
  services: Services,
  scope: Scope,
  window: { readonly fromMs: number; readonly toMs: number; readonly customerId?: string },
): Promise<EvidenceCompleteness> {
  const { tenantId } = scope;
  const { fromMs, toMs, customerId = null } = window;
  return await withScope(services, scope, async (tx) => {
    // The schema is checked when a record is written: what has a record has every field.
    const [row] = await tx.$queryRaw<{ drills: bigint; recorded: bigint; anchored: bigint }[]>`
      SELECT count(*) AS drills, count(r.sequence) AS recorded, count(*) FILTER (WHERE r.sequence <= a.upto) AS anchored
      FROM drill d
      LEFT JOIN evidence_record r ON r.tenant_id = d.tenant_id AND r.drill_id = d.id AND r.kind = 'drill'
      LEFT JOIN (SELECT customer_id, max(sequence) AS upto FROM evidence_anchor
        WHERE tenant_id = ${tenantId}::uuid AND problem IS NULL GROUP BY customer_id) a ON a.customer_id = d.customer_id
      WHERE d.tenant_id = ${tenantId}::uuid AND d.finished_at >= ${new Date(fromMs)} AND d.finished_at < ${new Date(toMs)}
        AND (${customerId}::uuid IS NULL OR d.customer_id = ${customerId}::uuid)`;
    const complete = Number(row?.anchored ?? 0);
    return { drills: Number(row?.drills ?? 0), complete, waitingForAnchor: Number(row?.recorded ?? 0) - complete };
  });
}

export interface AnchorLine {
  readonly day: string;
  readonly sequence: number;
  readonly atMs: number;
  /** False: the store has no retention that would hold against its own administrator. */
  readonly isLocked: boolean;
  readonly checkedMs: number | null;
  readonly problem: 'missing' | 'altered' | 'history' | null;
}

/** The daily anchors of a customer, the newest first. */
export async function listAnchors(
  services: Services,
  scope: Scope,
  wanted: { readonly customerId: string; readonly limit: number },
): Promise<AnchorLine[]> {
  const { tenantId } = scope;
  const { customerId, limit } = wanted;
  return await withScope(services, scope, async (tx) => {
    const rows = await tx.evidenceAnchor.findMany({
      where: { tenantId, customerId },
      orderBy: { day: 'desc' },
      take: limit,
    });
    return rows.map(({ day, sequence, createdAt, isLocked, checkedAt, problem }) => ({
      day,
      sequence: Number(sequence),
      atMs: createdAt.getTime(),
      isLocked,
      checkedMs: checkedAt?.getTime() ?? null,
      problem: z.enum(['missing', 'altered', 'history']).nullable().parse(problem),
    }));
  });
}

/** The public parts of the keys that sign, the first one first: what a provider publishes. */
export async function listEvidenceKeys(services: Services, scope: Scope): Promise<EvidenceKey[]> {
  return await withScope(services, scope, async (tx) => await readEvidenceKeys(tx, scope.tenantId));
}

export async function readEvidenceKeys(tx: Tx, tenantId: string): Promise<EvidenceKey[]> {
  const keys = await tx.evidenceKey.findMany({
    where: { tenantId },
    orderBy: { createdAt: 'asc' },
    omit: { privateKeySealed: true },
  });
  return keys.map(({ id, publicKey, createdAt, retiredAt, endorsedBy, endorsement }) => ({
    id,
    publicKey,
    createdAt: createdAt.toISOString(),
    retiredAt: retiredAt?.toISOString() ?? null,
    endorsedBy,
    endorsement,
  }));
}

async function lastAnchored(tx: Tx, tenantId: string, customerId: string): Promise<number> {
  const anchor = await tx.evidenceAnchor.findFirst({
    where: { tenantId, customerId, problem: null },
    orderBy: { sequence: 'desc' },
    select: { text: true },
  });
  return anchor === null ? 0 : evidenceAnchor.parse(JSON.parse(anchor.text)).sequence;
}

function toLine(
  row: {
    readonly sequence: bigint;
    readonly id: string;
    readonly kind: string;
    readonly at: Date;
    readonly drillId: string | null;
    readonly aboutId: string | null;
  },
  anchoredUpTo: number,
): EvidenceLine {
  return {
    sequence: Number(row.sequence),
    id: row.id,
    kind: row.kind as EvidenceKind, // held by a CHECK constraint of the database
    atMs: row.at.getTime(),
    drillId: row.drillId,
    aboutId: row.aboutId,
    isAnchored: Number(row.sequence) <= anchoredUpTo,
  };
}
