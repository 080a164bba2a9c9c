/** A bundle is sound or its fault is named: every way to tamper that we know, on chains that are really signed. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EvidenceBundle } from './bundle.ts';
import { canCheckSignatures, sha256HexOf } from './chain.ts';
import type { DrillEvidence } from './drill-evidence.ts';
import { type EvidenceRecord, evidenceText } from './record.ts';
import {
  CUSTOMER,
  drillBody,
  hex,
  makeHistory,
  makeSigner,
  manifestText,
  runId,
  signed,
  type Signer,
} from './testing/make-test-bundle.ts';
import { verifyBundle } from './verify-bundle.ts';

const check = async (bundle: unknown, options = {}) => await verifyBundle(JSON.stringify(bundle), options);
const problems = async (bundle: unknown, options = {}) =>
  (await check(bundle, options)).findings.map(({ problem }) => problem);

let signer: Signer;
let whole: EvidenceBundle;
beforeAll(async () => {
  signer = await makeSigner();
  whole = await makeHistory([signer]);
});

describe('a sound bundle', () => {
  test('is found sound, with what it holds and what cannot be known from it', async () => {
    expect(await canCheckSignatures()).toBe(true);
    const result = await check(whole);
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject({
      isSound: true,
      facts: { records: 4, drills: { passed: 4 }, anchors: 1, anchoredUpTo: 3, manifests: 4, keys: [signer.key.id] },
    });
    expect(result.limits.join(' ')).toContain('newer than the last anchor');
    expect(result.limits.join(' ')).toContain('not compared');
  });
  test('with a trusted key leaves no doubt about who signed', async () => {
    const result = await check(whole, { trustedKeys: [signer.key.id] });
    expect(result.isSound).toBe(true);
    expect(result.limits.join(' ')).not.toContain('not compared');
  });
  test('of some records follows the chain through those that are left out, to the anchor', async () => {
    const [, second, third] = whole.records;
    const bundle = {
      ...whole,
      records: [second],
      omitted: [{ sequence: 3, sha256: await sha256HexOf(third!.text) }],
    };
    const result = await check(bundle);
    expect(result).toMatchObject({ isSound: true, facts: { anchors: 1, anchoredUpTo: 3, omitted: 1 } });
  });
  test('over a change of keys: the old key vouches for the new one, and trust in the first is trust in both', async () => {
    const next = await makeSigner(signer);
    const bundle = await makeHistory([signer, next]);
    expect(await problems(bundle, { trustedKeys: [signer.key.id] })).toEqual([]);
  });
});

describe('named is', () => {
  test('each single flipped byte of a record, wherever it is', async () => {
    const text = whole.records[1]!.text;
    for (let at = 0; at < text.length; at += 61) {
      const flipped = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      const records = whole.records.with(1, { ...whole.records[1]!, text: flipped });
      const result = await check({ ...whole, records });
      expect([at, result.isSound]).toEqual([at, false]);
      expect(result.findings[0]!.words).toMatch(/altered|key that is not in the bundle|newer version/);
    }
  });
  test('a flipped byte as one fault of one record', async () => {
    const records = whole.records.with(1, {
      ...whole.records[1]!,
      text: whole.records[1]!.text.replace('"Customer"', '"Custoner"'),
    });
    const { findings } = await check({ ...whole, records, anchors: [] });
    expect(findings).toMatchObject([{ problem: 'signature', sequence: 2 }]);
  });
  test('a signature with one flipped byte', async () => {
    const { text, signature } = whole.records[2]!;
    const other = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    expect(await problems({ ...whole, records: whole.records.with(2, { text, signature: other }) })).toContain(
      'signature',
    );
  });
  test('a removed record', async () => {
    const { findings } = await check({ ...whole, records: whole.records.toSpliced(1, 1) });
    expect(findings[0]).toMatchObject({
      problem: 'gap',
      sequence: 2,
      words: 'Record 2 is missing: a record was removed.',
    });
  });
  test('a swapped order, and a record that is there twice', async () => {
    const [first, second, third, fourth] = whole.records;
    expect(await problems({ ...whole, records: [first, third, second, fourth] })).toEqual(['order']);
    expect(await problems({ ...whole, records: [first, second, second, third, fourth] })).toEqual(['duplicate']);
  });
  test('another key under the old name, and a key that is not there', async () => {
    const other = await makeSigner();
    const keys = [{ ...signer.key, publicKey: other.key.publicKey }];
    expect(await problems({ ...whole, keys })).toContain('key_id');
    expect(await problems({ ...whole, keys: [other.key] })).toContain('unknown_key');
  });
  test('a history that was rewritten with a new key: by the old anchor, by the trusted key, by the missing endorsement', async () => {
    const thief = await makeSigner();
    const forged = await makeHistory([thief]);
    // By itself it is a sound history of somebody: only what was known before can tell.
    expect(await problems({ ...forged, anchors: [] })).toEqual([]);
    expect(await problems(forged, { trustedKeys: [signer.key.id] })).toEqual(['key_not_trusted']);
    expect(await problems({ ...forged, anchors: [] }, { anchors: whole.anchors })).toEqual(['unknown_key']);
    const withOldKey = { ...forged, keys: [signer.key, thief.key], anchors: whole.anchors };
    expect(await problems(withOldKey)).toEqual(['key_not_vouched', 'history']);
  });
  test('a history that was rewritten with the right key, by an anchor from before', async () => {
    const rewritten = await makeHistory([signer]);
    expect(await problems(rewritten, { anchors: whole.anchors })).toEqual(['history']);
  });
  test('a record that was put in the place of another, with the right key', async () => {
    const rewritten = await makeHistory([signer]);
    const records = whole.records.with(1, rewritten.records[1]!);
    expect(await problems({ ...whole, records, anchors: [] })).toEqual(['chain', 'chain']);
  });
  test('an altered anchor, and one of another customer', async () => {
    const [anchor] = whole.anchors;
    const later = { ...anchor!, text: anchor!.text.replace('2026-11-20', '2026-11-19') };
    expect(await problems({ ...whole, anchors: [later] })).toEqual(['anchor_signature']);
    const text = anchor!.text.replace(CUSTOMER.id, randomUUID());
    expect(await problems({ ...whole, anchors: [{ text, signature: signed(signer, 'anchor', text) }] })).toEqual([
      'foreign',
    ]);
  });
  test('text that is signed but not canonical', async () => {
    const text = ` ${whole.records[0]!.text}`;
    const records = [{ text, signature: signed(signer, 'record', text) }];
    expect(await problems({ ...whole, records, anchors: [] })).toEqual(['not_canonical']);
  });
  test('a machine’s list that is another, and a hash that the machine never signed', async () => {
    const manifests = [{ runId, text: manifestText.replace('/srv/a', '/srv/b') }];
    expect(await problems({ ...whole, manifests })).toContain('manifest');
    const lie = { seed: 's', files: [{ path: '/srv/a', size: 3, sha256: hex('e'), role: 'canary' as const }] };
    expect(await problems(await withFirstBody({ selection: lie }))).toEqual(['witness']);
  });
  test('a picture that is not the one that a record names, and one that none names; a missing one is said', async () => {
    const png = Buffer.from('the picture of a screen');
    const sha256 = await sha256HexOf(png);
    const look = { kind: 'boot', name: 'It starts', subject: '', state: 'passed', output: '', ms: 1 } as const;
    const checks = [{ ...look, expected: null, actual: null, picture: sha256 }];
    const bundle = await withFirstBody({ checks });
    const withPicture = (bytes: Buffer, name = sha256) => ({
      ...bundle,
      pictures: [{ sha256: name, png: bytes.toString('base64url') }],
    });
    expect(await check(withPicture(png))).toMatchObject({ findings: [] });
    expect(await problems(withPicture(Buffer.from('another picture')))).toEqual(['picture']);
    expect(await problems(withPicture(Buffer.from('x'), await sha256HexOf('x')))).toEqual(['picture']);
    const without = await check(bundle);
    expect(without.findings).toEqual([]);
    expect(without.limits.join(' ')).toContain('One picture of a screen that the records name is not in this bundle');
  });
  test('a pass that its own contents deny', async () => {
    const result = {
      verdict: 'passed',
      message: null,
      filesRestored: 0,
      filesMatched: 0,
      bytesRestored: 0,
      mismatches: [],
    } as const;
    expect(await problems(await withFirstBody({ result: { ...result, mismatches: [] } }))).toEqual(['verdict']);
  });
  test.each(['', 'no json', '[]', '{"format":"holdfast-evidence-bundle"}'])('what is no bundle: %s', async (text) => {
    const result = await verifyBundle(text);
    expect(result).toMatchObject({ isSound: false, facts: null });
    expect(result.findings[0]!.problem).toBe('no_evidence');
  });
  test('a bundle of a later version', async () => {
    expect(await problems({ ...whole, version: 2 })).toEqual(['newer_version']);
  });
});

async function withFirstBody(changes: Partial<DrillEvidence>): Promise<EvidenceBundle> {
  const first = JSON.parse(whole.records[0]!.text) as EvidenceRecord;
  const text = evidenceText({ ...first, body: await drillBody(changes) } as EvidenceRecord);
  return { ...whole, records: [{ text, signature: signed(signer, 'record', text) }], anchors: [] };
}
