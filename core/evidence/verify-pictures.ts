/** Pictures of screens are those that the records name by their hashes. */
import { portableBytes } from '../base/portable-bytes.ts';
import type { EvidenceBundle } from './bundle.ts';
import { sha256HexOf } from './chain.ts';
import { type Finding, finding } from './finding.ts';
import type { EvidenceRecord } from './record.ts';

export async function checkPictures(
  records: readonly EvidenceRecord[],
  pictures: NonNullable<EvidenceBundle['pictures']>,
): Promise<{ readonly findings: Finding[]; readonly missing: number }> {
  const named = new Set(
    records.flatMap((record) =>
      record.kind === 'drill'
        ? record.body.checks.flatMap(({ picture }) => (picture === undefined ? [] : [picture]))
        : [],
    ),
  );
  const findings: Finding[] = [];
  const there = new Set<string>();
  for (const { sha256, png } of pictures) {
    there.add(sha256);
    const isIt = (await sha256HexOf(portableBytes.bytesOfBase64(png))) === sha256;
    if (!isIt || !named.has(sha256)) findings.push(finding('picture', `${sha256.slice(0, 16)}…`));
  }
  return { findings, missing: [...named].filter((one) => !there.has(one)).length };
}
