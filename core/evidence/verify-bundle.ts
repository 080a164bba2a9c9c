/**
 * The check of a bundle: form, signatures, chain, anchors, and the machines' own lists behind the compared hashes. It needs
 * nothing but the files that it gets, and runs in a browser. Whatever is wrong is named; what it cannot know, it says.
 */
import { canonicalJson } from '../base/canonical-json.ts';
import { type EvidenceBundle, evidenceBundle } from './bundle.ts';
import { chainHash, GENESIS, isSignatureValid, sha256HexOf, SIGNED_PREFIX } from './chain.ts';
import { type Finding, finding } from './finding.ts';
import { checkKeys } from './verify-keys.ts';
import { checkManifests } from './verify-manifests.ts';
import { checkPictures } from './verify-pictures.ts';
import { evidenceAnchor, type EvidenceAnchor, type EvidenceRecord, evidenceRecord, type SignedText } from './record.ts';

export interface BundleCheck {
  readonly isSound: boolean;
  readonly findings: readonly Finding[];
  /** What this check cannot tell, in sentences; a sound bundle may have some. */
  readonly limits: readonly string[];
  readonly facts: BundleFacts | null;
  readonly records: readonly EvidenceRecord[];
}

export interface BundleFacts {
  readonly provider: string;
  readonly customer: string;
  readonly contents: string;
  readonly madeAt: string;
  readonly records: number;
  readonly omitted: number;
  readonly firstSequence: number | null;
  readonly lastSequence: number | null;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly drills: {
    readonly passed: number;
    readonly failed: number;
    readonly void: number;
    readonly withdrawn: number;
  };
  /** Anchors that hold for a place of the chain that is in the bundle. */
  readonly anchors: number;
  /** The last record that an anchor covers; null: none. */
  readonly anchoredUpTo: number | null;
  readonly manifests: number;
  /** Ids of the keys that signed. */
  readonly keys: readonly string[];
}

export interface CheckOptions {
  /** Ids of keys that the reader knows from elsewhere; empty: unknown. */
  readonly trustedKeys?: readonly string[];
  /** Anchors that were fetched from the store, beside those of the bundle. */
  readonly anchors?: readonly SignedText[];
}

interface Place {
  readonly sequence: number;
  /** The chain's hash before; unknown for an omitted record. */
  readonly previous: string | null;
  readonly sha256: string;
  readonly record: EvidenceRecord | null;
  readonly isBad: boolean;
}

/** Checks the text of a bundle. Fails only where signatures cannot be checked at all: chain.ts, canCheckSignatures. */
export async function verifyBundle(text: string, options: CheckOptions = {}): Promise<BundleCheck> {
  const parsed = readBundle(text);
  if ('problem' in parsed) return { isSound: false, findings: [parsed], limits: [], facts: null, records: [] };
  return await new Check(parsed, options).run();
}

function readBundle(text: string): EvidenceBundle | Finding {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return finding('no_evidence', 'it is not JSON');
  }
  const parsed = evidenceBundle.safeParse(value);
  if (parsed.success) return parsed.data;
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format === 'holdfast-evidence-bundle' && typeof version === 'number' && version > 1)
    return finding('newer_version');
  const [issue] = parsed.error.issues;
  return finding('no_evidence', `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'unknown form'}`);
}

class Check {
  readonly #bundle: EvidenceBundle;
  readonly #options: CheckOptions;
  readonly #findings: Finding[] = [];
  readonly #limits: string[] = [];
  readonly #usedKeys = new Set<string>();
  #publicKeys: ReadonlyMap<string, string> = new Map();

  constructor(bundle: EvidenceBundle, options: CheckOptions) {
    this.#bundle = bundle;
    this.#options = options;
  }

  async run(): Promise<BundleCheck> {
    const { keys } = this.#bundle;
    const checkedKeys = await checkKeys(keys);
    this.#findings.push(...checkedKeys.findings);
    this.#publicKeys = checkedKeys.publicKeys;
    const places = await this.#readRecords();
    const hashes = await this.#followChain(places);
    const anchored = await this.#checkAnchors(hashes);
    const records = places.flatMap(({ record }) => (record === null ? [] : [record]));
    const manifests = await checkManifests(records, this.#bundle.manifests);
    this.#findings.push(...manifests.findings);
    const pictures = await checkPictures(records, this.#bundle.pictures ?? []);
    this.#findings.push(...pictures.findings);
    this.#checkVerdicts(records);
    this.#checkTrust(checkedKeys.roots);
    if (manifests.missing > 0)
      this.#limits.push(
        `The machine’s own signed list is not in this bundle for ${manifests.missing} of the drills; their hashes stand on the service’s word.`,
      );
    if (pictures.missing > 0)
      this.#limits.push(
        `${pictures.missing === 1 ? 'One picture' : `${pictures.missing} pictures`} of a screen that the records name ${pictures.missing === 1 ? 'is' : 'are'} not in this bundle.`,
      );
    return {
      isSound: this.#findings.length === 0,
      findings: this.#findings,
      limits: this.#limits,
      facts: this.#facts(places, records, anchored, manifests.checked),
      records,
    };
  }

  async #readRecords(): Promise<Place[]> {
    const { records, omitted } = this.#bundle;
    const places: Place[] = [];
    let before = 0;
    for (const [at, signed] of records.entries()) {
      const place = await this.#readRecord(signed, at);
      if (place === undefined) continue;
      if (place.sequence < before)
        this.#findings.push(finding('order', `number ${place.sequence} comes after number ${before}`, place.sequence));
      before = place.sequence;
      places.push(place);
    }
    for (const { sequence, sha256 } of omitted)
      places.push({ sequence, previous: null, sha256, record: null, isBad: false });
    return places.sort((a, b) => a.sequence - b.sequence);
  }

  async #readRecord(signed: SignedText, at: number): Promise<Place | undefined> {
    const value = parseJson(signed.text);
    const claimed = value as { sequence?: unknown; key?: unknown; version?: unknown } | undefined;
    const sequence = typeof claimed?.sequence === 'number' ? claimed.sequence : null;
    const name = sequence === null ? `The record in place ${at + 1}` : `Record ${sequence}`;
    const signature = await this.#checkSignature(signed, 'record', claimed?.key, name, sequence);
    // Bytes that nobody signed are not read any further: one cause, one finding.
    if (signature !== undefined) {
      this.#findings.push(signature);
      if (sequence === null || !Number.isSafeInteger(sequence)) return undefined;
      return { sequence, previous: null, sha256: await sha256HexOf(signed.text), record: null, isBad: true };
    }
    const parsed = evidenceRecord.safeParse(value);
    if (!parsed.success) {
      const isNewer = typeof claimed?.version === 'number' && claimed.version > 1;
      this.#findings.push(isNewer ? finding('newer_version', '', sequence) : finding('record_form', name, sequence));
      return undefined;
    }
    const record = parsed.data;
    if (canonicalJson(record) !== signed.text) this.#findings.push(finding('not_canonical', name, sequence));
    if (record.customer.id !== this.#bundle.customer.id || record.provider.id !== this.#bundle.provider.id)
      this.#findings.push(finding('foreign', name, sequence));
    const sha256 = await sha256HexOf(signed.text);
    return { sequence: record.sequence, previous: record.previous, sha256, record, isBad: false };
  }

  /** Undefined: signed with a key of this bundle. */
  async #checkSignature(
    signed: SignedText,
    kind: 'record' | 'anchor',
    keyId: unknown,
    name: string,
    sequence: number | null,
  ): Promise<Finding | undefined> {
    const publicKey = typeof keyId === 'string' ? this.#publicKeys.get(keyId) : undefined;
    if (publicKey === undefined)
      // A key id that no bundle could hold is an altered text rather than a foreign key.
      return typeof keyId === 'string' && /^[0-9a-f]{64}$/.test(keyId)
        ? finding('unknown_key', name, sequence)
        : finding('signature', name, sequence);
    this.#usedKeys.add(keyId as string);
    const isValid = await isSignatureValid({ ...signed, prefix: SIGNED_PREFIX[kind], publicKey });
    return isValid ? undefined : finding('signature', name, sequence);
  }

  /** The hash of the chain after each place, by its number. */
  async #followChain(places: readonly Place[]): Promise<Map<number, string>> {
    const hashes = new Map<number, string>();
    let last: { readonly sequence: number; readonly hash: string; readonly isBad: boolean } | undefined;
    for (const place of places) {
      const { sequence } = place;
      if (last !== undefined && sequence === last.sequence) {
        this.#findings.push(finding('duplicate', `Record ${sequence}`, sequence));
        continue;
      }
      const isGap = last !== undefined && sequence !== last.sequence + 1;
      if (isGap) this.#findings.push(gapBetween(last!.sequence, sequence));
      if (last === undefined && sequence === 1 && place.previous !== null && place.previous !== GENESIS)
        this.#findings.push(finding('chain', 'Record 1', 1));
      const expected = last?.hash;
      // After what was named already, the chain is taken up again where the record itself says.
      const isKnown = expected !== undefined && !isGap && !last!.isBad;
      if (isKnown && place.previous !== null && place.previous !== expected)
        this.#findings.push(finding('chain', `Record ${sequence}`, sequence));
      const previous = place.previous ?? expected ?? (sequence === 1 ? GENESIS : null);
      if (previous === null) {
        // Begins with a record that is left out or broken: there is nothing to hang the chain on yet.
        last = { sequence, hash: '', isBad: true };
        continue;
      }
      const hash = await chainHash(previous, place.sha256);
      if (!place.isBad) hashes.set(sequence, hash);
      last = { sequence, hash, isBad: place.isBad };
    }
    return hashes;
  }

  async #checkAnchors(hashes: ReadonlyMap<number, string>): Promise<{ count: number; upTo: number | null }> {
    const seen = new Set<string>();
    let count = 0;
    let upTo: number | null = null;
    for (const signed of [...this.#bundle.anchors, ...(this.#options.anchors ?? [])]) {
      if (seen.has(signed.text + signed.signature)) continue;
      seen.add(signed.text + signed.signature);
      const anchor = await this.#readAnchor(signed);
      if (anchor === undefined) continue;
      const hash = hashes.get(anchor.sequence);
      if (hash === undefined) continue; // of a time that this bundle does not reach
      if (hash !== anchor.hash) {
        this.#findings.push(finding('history', anchor.day, anchor.sequence));
        continue;
      }
      count += 1;
      upTo = Math.max(upTo ?? 0, anchor.sequence);
    }
    return { count, upTo };
  }

  async #readAnchor(signed: SignedText): Promise<EvidenceAnchor | undefined> {
    const value = parseJson(signed.text);
    const claimed = value as { day?: unknown; key?: unknown } | undefined;
    const day = typeof claimed?.day === 'string' ? claimed.day : 'a day that cannot be read';
    const problem = await this.#checkSignature(signed, 'anchor', claimed?.key, `The anchor of ${day}`, null);
    const parsed = evidenceAnchor.safeParse(value);
    if (problem !== undefined || !parsed.success) {
      this.#findings.push(problem?.problem === 'unknown_key' ? problem : finding('anchor_signature', day));
      return undefined;
    }
    const { customerId, providerId } = parsed.data;
    if (customerId === this.#bundle.customer.id && providerId === this.#bundle.provider.id) return parsed.data;
    this.#findings.push(finding('foreign', `The anchor of ${day}`));
    return undefined;
  }

  /** A signature makes no contradiction true. */
  #checkVerdicts(records: readonly EvidenceRecord[]): void {
    for (const { kind, body, sequence } of records) {
      if (kind !== 'drill' || body.result.verdict !== 'passed') continue;
      const { result, checks, selection } = body;
      const isContradicted =
        result.filesMatched === 0 ||
        result.mismatches.length > 0 ||
        result.filesMatched > selection.files.length ||
        checks.some(({ state }) => state === 'failed');
      if (isContradicted) this.#findings.push(finding('verdict', `The drill of record ${sequence}`, sequence));
    }
  }

  /** A key is trusted by itself, or because the chain of endorsements that it belongs to begins with a trusted one. */
  #checkTrust(roots: ReadonlyMap<string, readonly string[]>): void {
    const trusted = new Set(this.#options.trustedKeys ?? []);
    if (trusted.size === 0) {
      this.#limits.push(
        `The signing key was not compared with one that you know. Compare its name with the one that your provider publishes (its portal, under /verify/keys/${this.#bundle.provider.id}), or with an earlier bundle.`,
      );
      return;
    }
    for (const id of this.#usedKeys)
      if (![id, ...(roots.get(id) ?? [])].some((one) => trusted.has(one)))
        this.#findings.push(finding('key_not_trusted', shortId(id)));
  }

  #facts(
    places: readonly Place[],
    records: readonly EvidenceRecord[],
    anchored: { readonly count: number; readonly upTo: number | null },
    manifests: number,
  ): BundleFacts {
    const { provider, customer, contents, madeAt, omitted } = this.#bundle;
    const drills = { passed: 0, failed: 0, void: 0, withdrawn: 0 };
    for (const record of records) {
      if (record.kind === 'drill') drills[record.body.result.verdict] += 1;
      if (record.kind === 'drill_voided') drills.withdrawn += 1;
    }
    const lastSequence = places.at(-1)?.sequence ?? null;
    if (lastSequence !== null && anchored.upTo === null)
      this.#limits.push(
        'No anchor covers these records. Until the daily anchor is written, whoever holds the signing key could still rewrite them.',
      );
    else if (lastSequence !== null && anchored.upTo !== null && lastSequence > anchored.upTo)
      this.#limits.push(`The records after number ${anchored.upTo} are newer than the last anchor in this bundle.`);
    return {
      provider: provider.name,
      customer: customer.name,
      contents,
      madeAt,
      records: this.#bundle.records.length,
      omitted: omitted.length,
      firstSequence: places[0]?.sequence ?? null,
      lastSequence,
      firstAt: records[0]?.at ?? null,
      lastAt: records.at(-1)?.at ?? null,
      drills,
      anchors: anchored.count,
      anchoredUpTo: anchored.upTo,
      manifests,
      keys: [...this.#usedKeys],
    };
  }
}

export function shortId(id: string): string {
  return `${id.slice(0, 16)}…`;
}

function gapBetween(before: number, after: number): Finding {
  const first = before + 1;
  const last = after - 1;
  const what = first === last ? `Record ${first} is missing` : `Records ${first} to ${last} are missing`;
  return finding('gap', what, first);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
