/** A bundle: everything that somebody needs to check evidence without us. Docs: docs/evidence.md. */
import { BUNDLE_FORMAT, type EvidenceBundle } from '../../core/evidence/bundle.ts';
import { evidenceRecord } from '../../core/evidence/record.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { readEvidenceKeys } from './queries.ts';

/** A machine's list may name a million objects; what is longer than this is left out, and the check says so. */
const MANIFEST_CHARS_MAX = 2 * 1024 ** 2;
const MANIFESTS_CHARS_MAX = 24 * 1024 ** 2;
const PICTURES_CHARS_MAX = 24 * 1024 ** 2;
const TIMEOUT_MS = 60_000;

type Subject = { readonly drillId: string } | { readonly damageId: string };
export type BundleWish =
  /** 2026-11, in the customer's time zone; without: everything. */
  { readonly customerId: string; readonly month?: string } | Subject;

/** @throws HoldfastError not_found: no such customer, drill, or nothing recorded. */
export async function makeBundle(services: Services, scope: Scope, wish: BundleWish): Promise<EvidenceBundle> {
  const { tenantId } = scope;
  return await withScope(
    services,
    scope,
    async (tx) => {
      const wanted = await findWanted(tx, tenantId, wish);
      const customer = await tx.customer.findUniqueOrThrow({
        where: { tenantId_id: { tenantId, id: wanted.customerId } },
        include: { tenant: true },
      });
      const { customerId, subject, first, contents } = wanted;
      const anchors = await anchorsAround(tx, tenantId, customerId, first, wanted.last);
      const last = anchors.reduce((max, { sequence }) => (sequence > max ? sequence : max), wanted.last);
      const records = await tx.evidenceRecord.findMany({
        where: {
          tenantId,
          customerId,
          sequence: { gte: first, lte: wanted.last },
          ...subject,
        },
        orderBy: { sequence: 'asc' },
        select: { sequence: true, text: true, signature: true },
      });
      const given = new Set(records.map(({ sequence }) => sequence));
      const rows = await tx.$queryRaw<{ sequence: bigint; sha256: string }[]>`
        SELECT sequence, encode(sha256(convert_to(text, 'UTF8')), 'hex') AS sha256 FROM evidence_record
        WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND sequence BETWEEN ${first} AND ${last}
        ORDER BY sequence`;
      return {
        format: BUNDLE_FORMAT,
        version: 1,
        readme: README,
        provider: { id: tenantId, name: customer.tenant.name },
        customer: { id: customerId, name: customer.name },
        madeAt: new Date(services.clock.nowMs()).toISOString(),
        contents,
        keys: await readEvidenceKeys(tx, tenantId),
        records: records.map(({ text, signature }) => ({ text, signature })),
        omitted: rows
          .filter(({ sequence }) => !given.has(sequence))
          .map(({ sequence, sha256 }) => ({ sequence: Number(sequence), sha256 })),
        anchors: anchors.map(({ text, signature }) => ({ text, signature })),
        manifests: await manifestsOf(tx, tenantId, records),
        pictures: await picturesOf(tx, tenantId, records),
      };
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

interface Wanted {
  readonly customerId: string;
  readonly first: bigint;
  readonly last: bigint;
  /** Between them, those of this drill or damage alone. */
  readonly subject?: Subject;
  readonly contents: string;
}

async function findWanted(tx: Tx, tenantId: string, wish: BundleWish): Promise<Wanted> {
  if (!('customerId' in wish)) {
    const records = await tx.evidenceRecord.findMany({
      where: { tenantId, ...wish },
      orderBy: { sequence: 'asc' },
      select: { sequence: true, customerId: true },
    });
    if (records[0] === undefined) throw new HoldfastError('not_found', 'There is no evidence of this yet.');
    return {
      customerId: records[0].customerId,
      first: records[0].sequence,
      last: records.at(-1)!.sequence,
      subject: wish,
      contents: 'drillId' in wish ? `one restore test (${wish.drillId})` : `one damage (${wish.damageId})`,
    };
  }
  const { customerId, month } = wish;
  const customer = await tx.customer.findUnique({ where: { tenantId_id: { tenantId, id: customerId } } });
  if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
  const window = month === undefined ? undefined : monthWindow(month, customer.timezone);
  const at = window === undefined ? {} : { at: { gte: new Date(window.startMs), lt: new Date(window.endMs) } };
  const ends = await tx.evidenceRecord.aggregate({
    where: { tenantId, customerId, ...at },
    _min: { sequence: true },
    _max: { sequence: true },
  });
  const { _min, _max } = ends;
  if (_min.sequence === null || _max.sequence === null)
    throw new HoldfastError('not_found', 'Nothing was recorded in this time.');
  const contents = month === undefined ? 'everything that was recorded' : `the month ${month} (${customer.timezone})`;
  return { customerId, first: _min.sequence, last: _max.sequence, contents };
}

/** From the one that closes what came before, to the first that covers it all. */
async function anchorsAround(tx: Tx, tenantId: string, customerId: string, first: bigint, last: bigint) {
  const where = { tenantId, customerId };
  const within = await tx.evidenceAnchor.findMany({
    where: { ...where, sequence: { gte: first, lte: last } },
    orderBy: { day: 'asc' },
  });
  const after = await tx.evidenceAnchor.findFirst({
    where: { ...where, sequence: { gt: last } },
    orderBy: { day: 'asc' },
  });
  return after === null || within.at(-1)?.sequence === last ? within : [...within, after];
}

async function manifestsOf(
  tx: Tx,
  tenantId: string,
  records: readonly { readonly text: string }[],
): Promise<EvidenceBundle['manifests']> {
  const runIds = new Set<string>();
  for (const { text } of records) {
    const record = evidenceRecord.parse(JSON.parse(text));
    if (record.kind === 'drill' && record.body.manifest !== null && record.body.selection.files.length > 0)
      runIds.add(record.body.manifest.runId);
  }
  const sizes = await tx.$queryRaw<{ run_id: string; chars: number }[]>`
    SELECT run_id, length(text) AS chars FROM run_manifest
    WHERE tenant_id = ${tenantId}::uuid AND run_id = ANY (${[...runIds]}::uuid[]) ORDER BY length(text), run_id`;
  let chars = 0;
  const taken = sizes.filter((one) => {
    if (one.chars > MANIFEST_CHARS_MAX || chars + one.chars > MANIFESTS_CHARS_MAX) return false;
    chars += one.chars;
    return true;
  });
  return await tx.runManifest.findMany({
    where: { tenantId, runId: { in: taken.map(({ run_id }) => run_id) } },
    select: { runId: true, text: true },
    orderBy: { runId: 'asc' },
  });
}

/** Of the screens that the records name, the first ones that fit. */
async function picturesOf(
  tx: Tx,
  tenantId: string,
  records: readonly { readonly text: string }[],
): Promise<NonNullable<EvidenceBundle['pictures']>> {
  const drills = new Set<string>();
  for (const { text } of records) {
    const record = evidenceRecord.parse(JSON.parse(text));
    if (record.kind === 'drill' && record.body.checks.some(({ picture }) => picture !== undefined))
      drills.add(record.body.drillId);
  }
  const pictures: { sha256: string; png: string }[] = [];
  let chars = 0;
  for (const drillId of drills) {
    for (const { sha256, png } of await tx.drillPicture.findMany({ where: { tenantId, drillId } })) {
      const text = Buffer.from(png).toString('base64url');
      chars += text.length;
      if (chars > PICTURES_CHARS_MAX) return pictures;
      pictures.push({ sha256, png: text });
    }
  }
  return pictures;
}

const README = [
  'HOLDFAST EVIDENCE',
  '',
  'This file proves restore tests: what was restored, when, by whom, from which backup, and with what result; and it says',
  'which stored data was found damaged and what became of it. It can be checked by anybody, without an account and without a',
  'network, with either of:',
  '  - the page /verify of the provider’s portal, or the same page as a file (holdfast-verifier.html);',
  '  - the command: holdfast verify-evidence FILE',
  '',
  'What is in it',
  '  records    what is claimed: text in canonical JSON (RFC 8785), each signed with Ed25519 over',
  '             "holdfast-evidence-v1", a line feed, and the text. A record is never changed; an approval, a remedy and a',
  '             withdrawal are further records, which name the first one in "about".',
  '  omitted    records between these that are not given out here: their number and the SHA-256 of their text.',
  '  keys       the provider’s public keys. The name of a key is the SHA-256 of its 32 bytes. Each but the first is vouched',
  '             for by the one before it, over "holdfast-evidence-key-v1", a line feed, and {"id":…,"publicKey":…}.',
  '  anchors    the end of the chain as it was laid down each day in the object store, outside of the database, and kept',
  '             there under retention where the store has it. Signed over "holdfast-evidence-anchor-v1", a line feed, text.',
  '  manifests  what the backed-up machine itself had signed when it read the files: the hashes that were compared.',
  '  pictures   what the screens of started systems showed: PNG in base64url, under the SHA-256 that a check of a record names.',
  '',
  'The chain: the first record has 64 zeros as "previous". The hash after a record is the SHA-256 of the three lines',
  '"holdfast-evidence-chain-v1", the hash before it, and the SHA-256 of its text in hex; the next record’s "previous" is it.',
  '',
  'What a check cannot know: whether the key is really the provider’s. Compare its name with the one that the provider',
  'publishes, or with an older bundle. And a fresh record is safe from the provider itself only when an anchor covers it.',
];
