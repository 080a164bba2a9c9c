/**
 * A source's month as its row keeps it: every figure to the millisecond, and of the contract only which version and tier it was,
 * for the terms of a version never change. Without a contract the targets themselves are kept: a policy does change.
 */
import { type ContractVersion, type SlaTier } from '../../core/domain/sla/contract.ts';
import type { SummedSource } from '../../core/domain/sla/customer-figures.ts';
import type { FigurePart } from '../../core/domain/sla/source-figures.ts';

type PackedPart = Omit<FigurePart, 'tier' | 'credits'> & { readonly tier: string | SlaTier };
type PackedSource = Omit<SummedSource, 'tier' | 'version' | 'parts'> & { readonly parts: readonly PackedPart[] };

export function packSource({ tier: _, version: __, parts, ...figures }: SummedSource): PackedSource {
  return {
    ...figures,
    parts: parts.map(({ tier, credits: ___, ...part }) => ({ ...part, tier: part.version === null ? tier : tier.key })),
  };
}

/** What write-source-months.ts wrote, and nothing else writes there. @throws Error for a version that is not among them; versions are never removed. */
export function unpackSource(json: unknown, versions: readonly ContractVersion[]): SummedSource {
  const packed = json as PackedSource;
  const parts = packed.parts.map(({ tier, ...part }): FigurePart => {
    if (typeof tier !== 'string') return { ...part, tier, credits: [] };
    const version = versions.find((one) => one.version === part.version);
    const found = version?.terms.tiers.find(({ key }) => key === tier);
    if (version === undefined || found === undefined) throw new Error(`version ${part.version} has no tier ${tier}`);
    return { ...part, tier: found, credits: version.terms.credits };
  });
  const last = parts.at(-1)!;
  return { ...packed, parts, tier: last.tier, version: last.version };
}
