import type { EvidenceKey } from './bundle.ts';
import { isSignatureValid, keyIdOf, SIGNED_PREFIX } from './chain.ts';
import { type Finding, finding } from './finding.ts';
import { endorsementText } from './record.ts';

export interface CheckedKeys {
  readonly findings: readonly Finding[];
  /** By id. */
  readonly publicKeys: ReadonlyMap<string, string>;
  /** The keys before each one, which vouch for it. */
  readonly roots: ReadonlyMap<string, readonly string[]>;
}

/** Each key is the one that its id says, and all but one are vouched for by an earlier one: a change of keys leaves no doubt. */
export async function checkKeys(keys: readonly EvidenceKey[]): Promise<CheckedKeys> {
  const findings: Finding[] = [];
  const publicKeys = new Map<string, string>();
  for (const { id, publicKey } of keys) {
    if ((await keyIdOf(publicKey)) === id) publicKeys.set(id, publicKey);
    else findings.push(finding('key_id', id.slice(0, 16)));
  }
  const roots = new Map<string, readonly string[]>();
  const byId = new Map(keys.map((key) => [key.id, key]));
  let first: string | undefined;
  for (const key of keys) {
    if (!publicKeys.has(key.id)) continue;
    if (key.endorsedBy === null) {
      if (first !== undefined) findings.push(finding('key_not_vouched', key.id.slice(0, 16)));
      first ??= key.id;
      continue;
    }
    const by = publicKeys.get(key.endorsedBy);
    const signed = { prefix: SIGNED_PREFIX.key, text: endorsementText(key), signature: key.endorsement ?? '' };
    if (by === undefined || !(await isSignatureValid({ ...signed, publicKey: by })))
      findings.push(finding('key_not_vouched', key.id.slice(0, 16)));
    else roots.set(key.id, ancestorsOf(key, byId));
  }
  return { findings, publicKeys, roots };
}

function ancestorsOf(key: EvidenceKey, byId: ReadonlyMap<string, EvidenceKey>): string[] {
  const before: string[] = [];
  for (let id = key.endorsedBy; id !== null && !before.includes(id); id = byId.get(id)?.endorsedBy ?? null)
    before.push(id);
  return before;
}
