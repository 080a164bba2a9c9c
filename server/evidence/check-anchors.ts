/**
 * Reads anchors again and compares: the object with the row, the row with the chain, and the chain with itself. The newest
 * every day, old ones every month; what is in the store without a row tells of a database that was set back.
 */
import { chainHash, GENESIS, sha256HexOf } from '../../core/evidence/chain.ts';
import type { Scope } from '../access/scope.ts';
import { resolveAlert } from '../alerts/open-alert.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { anchorKey } from '../storage/object-store.ts';
import { readAnchor, standingAnchor } from './anchor-day.ts';
import { type AnchorProblem, openEvidenceAlert } from './evidence-alert.ts';

const DAY_MS = 24 * 3600_000;
/** Days back from now whose anchors are read every day. */
const NEWEST_DAYS = 35;
const OLD_EVERY_DAYS = 30;
const PAGE = 500;

export async function checkAnchors(services: Services, scope: Scope): Promise<void> {
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const newestDay = new Date(nowMs - NEWEST_DAYS * DAY_MS).toISOString().slice(0, 10);
  const due = await withScope(services, scope, (tx) =>
    tx.evidenceAnchor.findMany({
      where: {
        tenantId,
        OR: [
          { checkedAt: null },
          { checkedAt: { lte: new Date(nowMs - DAY_MS) }, day: { gte: newestDay } },
          { checkedAt: { lte: new Date(nowMs - OLD_EVERY_DAYS * DAY_MS) } },
        ],
      },
      orderBy: { day: 'asc' },
    }),
  );
  const byCustomer = Map.groupBy(due, ({ customerId }) => customerId);
  for (const [customerId, anchors] of byCustomer) {
    const hashes = await chainHashes(services, scope, customerId);
    const found: { day: string; problem: AnchorProblem | null }[] = [];
    for (const anchor of anchors) found.push({ day: anchor.day, problem: await problemOf(services, anchor, hashes) });
    const unknown = await anchorWithoutRow(services, scope, customerId);
    await tell(services, scope, customerId, found, unknown);
  }
}

interface AnchorRow {
  readonly tenantId: string;
  readonly customerId: string;
  readonly day: string;
  readonly sequence: bigint;
  readonly hash: string;
  readonly text: string;
  readonly signature: string;
}

async function problemOf(
  services: Services,
  anchor: AnchorRow,
  hashes: ReadonlyMap<number, string>,
): Promise<AnchorProblem | null> {
  const name = anchorKey(anchor.tenantId, anchor.customerId, anchor.day);
  const standing = await standingAnchor(services, name);
  if (standing === undefined) return (await services.store.sizeOf(name)) === undefined ? 'missing' : 'altered';
  if (standing.text !== anchor.text || standing.signature !== anchor.signature) return 'altered';
  const claimed = readAnchor(standing);
  if (claimed === undefined) return 'altered';
  return hashes.get(claimed.sequence) === claimed.hash ? null : 'history';
}

/** The chain as its texts make it; after the first record that does not continue it, nothing is known. */
async function chainHashes(services: Services, scope: Scope, customerId: string): Promise<Map<number, string>> {
  const hashes = new Map<number, string>();
  let previous = GENESIS;
  for (let sequence = 0; ; ) {
    const rows = await withScope(services, scope, (tx) =>
      tx.evidenceRecord.findMany({
        where: { tenantId: scope.tenantId, customerId, sequence: { gt: BigInt(sequence) } },
        orderBy: { sequence: 'asc' },
        take: PAGE,
        select: { sequence: true, text: true, hash: true },
      }),
    );
    for (const row of rows) {
      sequence += 1;
      previous = await chainHash(previous, await sha256HexOf(row.text));
      if (Number(row.sequence) !== sequence || row.hash !== previous) return hashes;
      hashes.set(sequence, previous);
    }
    if (rows.length < PAGE) return hashes;
  }
}

/** The newest day that lies in the store and of which the database knows nothing. */
async function anchorWithoutRow(services: Services, scope: Scope, customerId: string): Promise<string | undefined> {
  const { tenantId } = scope;
  const known = await withScope(services, scope, (tx) =>
    tx.evidenceAnchor.findMany({ where: { tenantId, customerId }, select: { day: true } }),
  );
  const days = new Set(known.map(({ day }) => day));
  // One that is laid down right now gets its row in a moment.
  const today = new Date(services.clock.nowMs() - DAY_MS).toISOString().slice(0, 10);
  let found: string | undefined;
  for await (const { key } of services.store.list(`evidence/${tenantId}/${customerId}/`)) {
    const day = /(\d{4}-\d{2}-\d{2})\.json$/.exec(key)?.[1];
    if (day !== undefined && day < today && !days.has(day)) found = day;
  }
  return found;
}

async function tell(
  services: Services,
  scope: Scope,
  customerId: string,
  found: readonly { readonly day: string; readonly problem: AnchorProblem | null }[],
  unknownDay: string | undefined,
): Promise<void> {
  const { tenantId } = scope;
  const now = new Date(services.clock.nowMs());
  const bad = found.find(({ problem }) => problem !== null);
  const [before, open] = await withScope(services, scope, async (tx) => {
    for (const { day, problem } of found)
      await tx.evidenceAnchor.updateMany({
        where: { tenantId, customerId, day },
        data: { checkedAt: now, problem },
      });
    return [
      await tx.evidenceAnchor.findFirst({ where: { tenantId, customerId, problem: { not: null } } }),
      await tx.alert.findFirst({ where: { tenantId, customerId, kind: 'evidence', resolvedAt: null } }),
    ];
  });
  if (bad === undefined && unknownDay === undefined && (before !== null || open === null)) return;
  await applyChange(services, scope, async (change) => {
    await change.audit(
      'evidence.anchored',
      { kind: 'customer', id: customerId },
      { checked: found.length, problem: bad?.problem ?? (unknownDay === undefined ? null : 'history') },
    );
    if (bad?.problem) await openEvidenceAlert(services, change, { tenantId, customerId }, bad.problem, bad.day);
    else if (unknownDay !== undefined)
      await openEvidenceAlert(services, change, { tenantId, customerId }, 'history', unknownDay);
    else await resolveAlert(services, change, { tenantId, customerId, deviceId: null }, 'evidence');
  });
}
