/** The hashes of a drill are those that the machine signed when it read the files: checked against its own list. */
import { z } from 'zod';
import { MANIFEST_PREFIX } from '../protocol/manifest-prefix.ts';
import type { EvidenceBundle } from './bundle.ts';
import { isSignatureValid, sha256HexOf } from './chain.ts';
import { type Finding, finding } from './finding.ts';
import type { EvidenceRecord } from './record.ts';

/** Of the list, what is compared. */
const witnessList = z.object({
  snapshotId: z.string(),
  treeId: z.string(),
  witness: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
});

export async function checkManifests(
  records: readonly EvidenceRecord[],
  manifests: EvidenceBundle['manifests'],
): Promise<{ readonly findings: Finding[]; readonly checked: number; readonly missing: number }> {
  const texts = new Map(manifests.map(({ runId, text }) => [runId, text]));
  const findings: Finding[] = [];
  let checked = 0;
  let missing = 0;
  for (const record of records) {
    if (record.kind !== 'drill' || record.body.selection.files.length === 0) continue;
    const { manifest, selection, restorePoint } = record.body;
    const text = manifest === null ? undefined : texts.get(manifest.runId);
    if (manifest === null || text === undefined) {
      missing += 1;
      continue;
    }
    checked += 1;
    const { sequence } = record;
    const name = `Record ${sequence}`;
    const isOfDevice =
      (await sha256HexOf(text)) === manifest.sha256 &&
      (await isSignatureValid({
        prefix: MANIFEST_PREFIX,
        text,
        signature: manifest.signature,
        publicKey: manifest.devicePublicKey,
      }));
    const list = isOfDevice ? witnessList.safeParse(JSON.parse(text)) : undefined;
    if (
      !list?.success ||
      list.data.snapshotId !== restorePoint.snapshotId ||
      list.data.treeId !== restorePoint.treeId
    ) {
      findings.push(finding('manifest', name, sequence));
      continue;
    }
    const byPath = new Map(list.data.witness.map((file) => [file.path.toWellFormed(), file]));
    for (const { path, size, sha256 } of selection.files) {
      const file = byPath.get(path);
      if (file?.sha256 === sha256 && file.size === size) continue;
      findings.push(finding('witness', `${path} in record ${sequence}`, sequence));
      break;
    }
  }
  return { findings, checked, missing };
}
