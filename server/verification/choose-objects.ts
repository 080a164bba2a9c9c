/** Which objects of a vault a verification reads. */
import { bytesOfRun, DECRYPTING, dueBeforeMs, READING } from '../../core/domain/verification-pace.ts';
import type { Tx } from '../db/client.ts';
import type { Vault, Verification } from '../db/generated/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';
import type { ObjectToVerify } from './begin-verification.ts';
import { PROBLEM_TEXTS } from './quarantine-points.ts';

export interface ChosenObjects {
  readonly objects: readonly ObjectToVerify[];
  readonly unknownKeys: readonly string[];
  /** Of the verification as a whole, with what it has read before an interruption. */
  readonly objectsTotal: number;
  readonly bytesTotal: number;
}

export interface ChoiceTerms {
  readonly verification: Verification;
  readonly vault: Vault;
  readonly point: { readonly packIds: readonly string[]; readonly snapshotId: string } | null;
  readonly startedAt: Date;
}

interface ObjectRow {
  readonly key: string;
  readonly size: bigint;
}

/** Of what is known to be bad, a turn of the readings looks at so much again: the storage may have been mended. */
const KNOWN_BAD_BYTES = 1024 ** 3;

const NOTHING: ChosenObjects = { objects: [], unknownKeys: [], objectsTotal: 0, bytesTotal: 0 };

export async function chooseObjects(tx: Tx, terms: ChoiceTerms): Promise<ChosenObjects> {
  const { purpose, level } = terms.verification;
  if (purpose === 'point' && terms.point !== null) return await ofPoint(tx, terms, terms.point);
  if (purpose === 'repair') return await ofRepair(tx, terms);
  if (purpose === 'rolling' && level > 0) return await ofRotation(tx, terms);
  return NOTHING; // a listing asks the store, and a trace the indexes
}

/**
 * Everything that a restore of the point reads: its packs, its snapshot, the config, the keys, and every index of the vault,
 * for a reader opens them all (stock restic stops at the first one that is damaged). Unless all is wanted, what was read within
 * the rotation's period counts: the rotation will read it again in its turn.
 */
async function ofPoint(
  tx: Tx,
  { verification, vault, startedAt }: ChoiceTerms,
  point: { readonly packIds: readonly string[]; readonly snapshotId: string },
): Promise<ChosenObjects> {
  const rows = await tx.storedObject.findMany({
    where: { tenantId: vault.tenantId, vaultId: vault.id, sealedAt: { not: null }, state: { not: 'retired' } },
    select: { key: true, kind: true, size: true, state: true, verifiedAt: true },
    orderBy: { key: 'asc' },
  });
  const wanted = new Set(point.packIds.map((id) => `data/${id.slice(0, 2)}/${id}`));
  wanted.add(`snapshots/${point.snapshotId}`).add('config');
  const needed = rows.filter(({ key, kind }) => wanted.has(key) || kind === 'index' || kind === 'key');
  for (const { key } of needed) wanted.delete(key);
  const since = verification.readsAll ? startedAt : new Date(startedAt.getTime() - READING.periodMs);
  const isResumed = verification.startedAt !== null || !verification.readsAll;
  const left = needed.filter(
    ({ state, verifiedAt }) => !(isResumed && state === 'sealed' && verifiedAt !== null && verifiedAt > since),
  );
  return {
    objects: left.map((row) => toVerify(vault, row)),
    unknownKeys: [...wanted],
    objectsTotal: needed.length,
    bytesTotal: sum(needed),
  };
}

/** What the run that answered the order has brought. */
async function ofRepair(tx: Tx, { verification, vault }: ChoiceTerms): Promise<ChosenObjects> {
  const rows = await tx.$queryRaw<ObjectRow[]>`
    SELECT o.key, o.size FROM stored_object o
    JOIN backup_run r ON r.tenant_id = o.tenant_id AND r.id = o.run_id
    JOIN damage d ON d.tenant_id = r.tenant_id AND d.command_id = r.command_id
    WHERE d.tenant_id = ${vault.tenantId}::uuid AND d.id = ${verification.damageId}::uuid
      AND o.vault_id = ${vault.id}::uuid AND o.sealed_at IS NOT NULL ORDER BY o.key`;
  return {
    objects: rows.map((row) => toVerify(vault, row)),
    unknownKeys: [],
    objectsTotal: rows.length,
    bytesTotal: sum(rows),
  };
}

/** What was never looked at on this level first, then what was longest ago, up to the bytes of one run (the pace). */
async function ofRotation(tx: Tx, { verification, vault, startedAt }: ChoiceTerms): Promise<ChosenObjects> {
  const rotation = verification.level === 1 ? READING : DECRYPTING;
  // Key files are opened by whoever has their passwords, and the vault's other metadata with every decryption.
  const candidates = sqlFragment`
    SELECT key, size, CASE WHEN ${verification.level}::int = 1 THEN verified_at ELSE decrypted_at END AS passed_at
    FROM stored_object
    WHERE tenant_id = ${vault.tenantId}::uuid AND vault_id = ${vault.id}::uuid AND state = 'sealed' AND sealed_at < ${startedAt}
      AND (${verification.level}::int = 1 OR kind IN ('data_pack', 'tree_pack'))`;
  const isResumed = verification.startedAt !== null;
  const doneBytes = isResumed ? Number(verification.bytesDone) : 0;
  let bytes = Number(verification.bytesTotal) - doneBytes;
  if (!isResumed) {
    const dueBefore = new Date(dueBeforeMs(rotation, startedAt.getTime()));
    const [due] = await tx.$queryRaw<{ stored: bigint; fresh: bigint; due: bigint }[]>`
      SELECT coalesce(sum(size), 0)::bigint AS stored,
        coalesce(sum(size) FILTER (WHERE passed_at IS NULL), 0)::bigint AS fresh,
        coalesce(sum(size) FILTER (WHERE passed_at < ${dueBefore}), 0)::bigint AS due
      FROM (${candidates}) o`;
    bytes = bytesOfRun(rotation, {
      storedBytes: Number(due?.stored ?? 0),
      newBytes: Number(due?.fresh ?? 0),
      dueBytes: Number(due?.due ?? 0),
    });
  }
  const inTurn = await tx.$queryRaw<ObjectRow[]>`
    SELECT key, size FROM (
      SELECT key, size, sum(size) OVER (ORDER BY passed_at NULLS FIRST, key) - size AS before
      FROM (${candidates}) c WHERE passed_at IS NULL OR passed_at < ${startedAt}) o
    WHERE before < ${bytes}::bigint ORDER BY key`;
  const knownBad = verification.level === 1 && !isResumed ? await toLookAtAgain(tx, verification, vault) : [];
  const chosen = [...knownBad, ...inTurn];
  return {
    objects: chosen.map((row) => toVerify(vault, row)),
    unknownKeys: [],
    objectsTotal: chosen.length + (isResumed ? verification.objectsDone : 0),
    bytesTotal: sum(chosen) + doneBytes,
  };
}

/**
 * What other bytes or none were found of, and nobody has given up, beside the pace: in another order each turn, so that a store
 * of which much is gone is not read for nothing four times a day, and all of it has its chance.
 */
async function toLookAtAgain(tx: Tx, { id }: Verification, vault: Vault): Promise<ObjectRow[]> {
  return await tx.$queryRaw<ObjectRow[]>`
    SELECT key, size FROM (
      SELECT key, size, sum(size) OVER (ORDER BY md5(key || ${id}::text), key) - size AS before FROM stored_object
      WHERE tenant_id = ${vault.tenantId}::uuid AND vault_id = ${vault.id}::uuid AND sealed_at IS NOT NULL
        AND state IN ('damaged', 'missing') AND problem IS DISTINCT FROM ${PROBLEM_TEXTS.contents}) o
    WHERE before < ${KNOWN_BAD_BYTES}::bigint ORDER BY key`;
}

function sum(rows: readonly ObjectRow[]): number {
  return rows.reduce((bytes, { size }) => bytes + Number(size), 0);
}

function toVerify(vault: Vault, { key, size }: ObjectRow): ObjectToVerify {
  return {
    key,
    size: Number(size),
    sha256: key === 'config' ? (vault.configSha256 ?? '') : key.slice(key.lastIndexOf('/') + 1),
  };
}
