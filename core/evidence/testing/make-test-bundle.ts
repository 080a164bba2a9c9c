/** Histories that are really signed, for tests of what checks them. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { canonicalJson } from '../../base/canonical-json.ts';
import { MANIFEST_PREFIX } from '../../protocol/manifest-prefix.ts';
import type { EvidenceBundle, EvidenceKey } from '../bundle.ts';
import { chainHash, GENESIS, keyIdOf, sha256HexOf, SIGNED_PREFIX } from '../chain.ts';
import type { DrillEvidence } from '../drill-evidence.ts';
import { endorsementText, type EvidenceRecord, evidenceText, type SignedText } from '../record.ts';

export const PROVIDER = { id: randomUUID(), name: 'Provider' };
export const CUSTOMER = { id: randomUUID(), name: 'Customer' };
const AT = '2026-11-21T10:00:00.000Z';
export const hex = (letter: string): string => letter.repeat(64);

export interface Signer {
  readonly key: EvidenceKey;
  readonly privateKey: KeyObject;
}

export async function makeSigner(before?: Signer): Promise<Signer> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'jwk' }).x!;
  const id = await keyIdOf(raw);
  const endorsement = before === undefined ? null : signed(before, 'key', endorsementText({ id, publicKey: raw }));
  const key = { id, publicKey: raw, createdAt: AT, retiredAt: null, endorsedBy: before?.key.id ?? null, endorsement };
  return { key, privateKey };
}

export function signed(signer: Signer, kind: keyof typeof SIGNED_PREFIX, text: string): string {
  return sign(null, Buffer.from(SIGNED_PREFIX[kind] + text), signer.privateKey).toString('base64url');
}

const device = generateKeyPairSync('ed25519');
export const runId = randomUUID();
export const manifestText = canonicalJson({
  runId,
  snapshotId: hex('a'),
  treeId: hex('b'),
  witness: [{ path: '/srv/a', size: 3, sha256: hex('c'), role: 'canary' }],
});

export async function drillBody(changes: Partial<DrillEvidence> = {}): Promise<DrillEvidence> {
  return {
    drillId: randomUUID(),
    date: { orderedAt: AT, startedAt: AT, finishedAt: AT },
    systems: {
      device: { id: randomUUID(), name: 'SRV', hostname: 'srv', os: 'linux', arch: 'x64', agentVersion: '1' },
      source: { id: randomUUID(), name: 'Files', kind: 'files' },
      policy: { id: randomUUID(), name: 'Servers', version: 1 },
    },
    scope: { kind: 'sample', filesTested: 1, bytesTested: 3, filesInPoint: 9, bytesInPoint: 99, leftOutBySize: 0 },
    restorePoint: {
      id: randomUUID(),
      choice: 'latest',
      capturedAt: AT,
      committedAt: AT,
      sealedAt: AT,
      repositoryId: hex('d'),
      snapshotId: hex('a'),
      treeId: hex('b'),
      vaultId: randomUUID(),
      custody: 'escrowed',
    },
    rpo: { targetMinutes: 60, dataAgeMs: 1, newestBusinessAt: null },
    rto: { targetMinutes: 60, partsMs: { queue: 1 }, technicalMs: 1, elapsedMs: 2, estimatedFullMs: null },
    level: { asked: 3, reached: 3 },
    checks: [],
    result: { verdict: 'passed', message: null, filesRestored: 1, filesMatched: 1, bytesRestored: 3, mismatches: [] },
    performer: { kind: 'service', isRobot: true, words: 'w', trigger: 'schedule', orderedBy: null },
    approver: null,
    remediation: null,
    sandbox: { layers: [], warnings: [] },
    selection: { seed: 'seed', files: [{ path: '/srv/a', size: 3, sha256: hex('c'), role: 'canary' }] },
    manifest: {
      runId,
      sha256: await sha256HexOf(manifestText),
      signature: sign(null, Buffer.from(MANIFEST_PREFIX + manifestText), device.privateKey).toString('base64url'),
      devicePublicKey: device.publicKey.export({ format: 'pem', type: 'spki' }) as string,
    },
    answer: null,
    software: { holdfast: '1' },
    ...changes,
  };
}

/** A whole history of `count` drills, and an anchor after the one before the last. */
export async function makeHistory(signers: readonly Signer[], count = 4): Promise<EvidenceBundle> {
  const records: SignedText[] = [];
  const anchors: SignedText[] = [];
  let previous = GENESIS;
  for (let sequence = 1; sequence <= count; sequence++) {
    const signer = signers[Math.min(sequence - 1, signers.length - 1)]!;
    const record: EvidenceRecord = {
      format: 'holdfast-evidence',
      version: 1,
      id: randomUUID(),
      provider: PROVIDER,
      customer: CUSTOMER,
      sequence,
      previous,
      at: AT,
      about: null,
      key: signer.key.id,
      kind: 'drill',
      body: await drillBody(),
    };
    const text = evidenceText(record);
    records.push({ text, signature: signed(signer, 'record', text) });
    previous = await chainHash(previous, await sha256HexOf(text));
    if (sequence !== count - 1) continue;
    const anchor = canonicalJson({
      format: 'holdfast-evidence-anchor',
      version: 1,
      providerId: PROVIDER.id,
      customerId: CUSTOMER.id,
      day: '2026-11-20',
      at: AT,
      sequence,
      hash: previous,
      key: signer.key.id,
    });
    anchors.push({ text: anchor, signature: signed(signer, 'anchor', anchor) });
  }
  return {
    format: 'holdfast-evidence-bundle',
    version: 1,
    readme: ['read me'],
    provider: PROVIDER,
    customer: CUSTOMER,
    madeAt: AT,
    contents: 'everything',
    keys: signers.map(({ key }) => key),
    records,
    omitted: [],
    anchors,
    manifests: [{ runId, text: manifestText }],
  };
}

export interface TestBundle {
  readonly bundle: EvidenceBundle;
  readonly keyId: string;
  /** The same customer's history, rewritten by somebody with a key of his own. */
  readonly forged: EvidenceBundle;
}

export async function makeTestBundle(): Promise<TestBundle> {
  const signer = await makeSigner();
  return {
    bundle: await makeHistory([signer]),
    keyId: signer.key.id,
    forged: await makeHistory([await makeSigner()]),
  };
}
