/**
 * What a provider promises a customer: tiers with their targets, who belongs to which, and what is paid back. Terms are
 * versioned and never changed; which version holds at an instant, and therefore which targets a source has, is decided here.
 */
import { z } from 'zod';
import { type Interval, overlap } from './intervals.ts';

const minutes = (max: number) => z.int().min(5).max(max);
const share = z.number().min(0).max(1);
const key = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const MONTH_MINUTES = 31 * 24 * 60;

export const slaTier = z.strictObject({
  key,
  name: z.string().trim().min(1).max(60),
  /** How much a source of this tier counts among those of others. */
  weight: z.int().min(1).max(100),
  rpoMinutes: minutes(MONTH_MINUTES),
  rtoMinutes: minutes(MONTH_MINUTES),
  /** The share of time in which the data may not be older than the RPO; what is left is the error budget. */
  rpoShare: share,
  /** The share of expected backups that succeed. */
  successShare: share,
  drill: z.strictObject({
    level: z.union([z.literal(3), z.literal(4), z.literal(5)]),
    everyDays: z.int().min(1).max(366),
  }),
  retentionDays: z.int().min(1).max(3660),
  /** Every stored byte is read again within so many days. */
  integrityDays: z.int().min(1).max(366),
});
export type SlaTier = z.infer<typeof slaTier>;

export const slaTerms = z
  .strictObject({
    tiers: z.array(slaTier).min(1).max(8),
    defaultTier: key,
    /** Who is not in the default tier. A source comes before its device, a device before its policy. */
    assignments: z
      .array(z.strictObject({ kind: z.enum(['source', 'device', 'policy']), id: z.uuid(), tier: key }))
      .max(2000),
    /** What is paid back of a month's fee when the time within the RPO falls below a share. The highest that applies counts. */
    credits: z.array(z.strictObject({ below: share, percent: z.number().gt(0).max(100) })).max(8),
  })
  .superRefine(({ tiers, defaultTier, assignments }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    const keys = new Set(tiers.map((tier) => tier.key));
    if (keys.size !== tiers.length) refuse('Two tiers have the same short name.');
    if (!keys.has(defaultTier)) refuse('The default tier is none of the tiers.');
    if (assignments.some(({ tier }) => !keys.has(tier))) refuse('Something is assigned to a tier that does not exist.');
    if (new Set(assignments.map(({ kind, id }) => `${kind}/${id}`)).size !== assignments.length)
      refuse('Something is assigned to two tiers at once.');
  });
export type SlaTerms = z.infer<typeof slaTerms>;

export interface ContractVersion {
  readonly version: number;
  readonly validFromMs: number;
  readonly terms: SlaTerms;
}

/** What is asked of a source during a stretch of time. `version` null: there was no contract, the policy's targets hold. */
export interface TargetPart extends Interval {
  readonly version: number | null;
  readonly tier: SlaTier;
  readonly credits: SlaTerms['credits'];
}

/** The version that holds at an instant: the newest of those that are valid by then, for a newer one overrides older ones. */
export function versionAt(versions: readonly ContractVersion[], atMs: number): ContractVersion | undefined {
  return versions.reduce<ContractVersion | undefined>(
    (best, one) => (one.validFromMs <= atMs && (best === undefined || one.version > best.version) ? one : best),
    undefined,
  );
}

/** The window cut where another version begins to hold, each part with what it asks of this source. */
export function targetParts(
  versions: readonly ContractVersion[],
  window: Interval,
  source: { readonly sourceId: string; readonly deviceId: string; readonly policyId: string },
  policy: PolicyTargets,
): TargetPart[] {
  const inside = versions
    .map(({ validFromMs }) => validFromMs)
    .filter((at) => at > window.startMs && at < window.endMs);
  const edges = [window.startMs, ...new Set(inside.sort((a, b) => a - b)), window.endMs];
  const parts: TargetPart[] = [];
  for (const [at, startMs] of edges.slice(0, -1).entries()) {
    const version = versionAt(versions, startMs);
    const tier = version === undefined ? policyTier(policy) : tierOf(version.terms, source);
    const part = overlap(window, { startMs, endMs: edges[at + 1]! });
    const last = parts.at(-1);
    if (part === undefined) continue;
    if (last !== undefined && last.version === (version?.version ?? null))
      parts[parts.length - 1] = { ...last, endMs: part.endMs };
    else parts.push({ ...part, version: version?.version ?? null, tier, credits: version?.terms.credits ?? [] });
  }
  return parts;
}

export function tierOf(
  terms: SlaTerms,
  source: { readonly sourceId: string; readonly deviceId: string; readonly policyId: string },
): SlaTier {
  const find = (kind: 'source' | 'device' | 'policy', id: string): string | undefined =>
    terms.assignments.find((one) => one.kind === kind && one.id === id)?.tier;
  const wanted =
    find('source', source.sourceId) ??
    find('device', source.deviceId) ??
    find('policy', source.policyId) ??
    terms.defaultTier;
  return terms.tiers.find((tier) => tier.key === wanted)!;
}

/** Of a policy's document, what stands in for a contract where there is none. */
export interface PolicyTargets {
  readonly rpoMinutes: number;
  readonly rtoMinutes: number;
  readonly drill: { readonly level: 3 | 4 | 5; readonly everyHours: number };
}

/** The key of the tier that is made of a policy's own targets; no contract can have one of this name. */
export const POLICY_TIER = '-policy';

/** All of the time and every backup: a policy knows no smaller promise. Retention and integrity are the product's own. */
export function policyTier(policy: PolicyTargets): SlaTier {
  return {
    key: POLICY_TIER,
    name: 'As in the policy',
    weight: 1,
    rpoMinutes: policy.rpoMinutes,
    rtoMinutes: policy.rtoMinutes,
    rpoShare: 1,
    successShare: 1,
    drill: { level: policy.drill.level, everyDays: Math.max(1, Math.ceil(policy.drill.everyHours / 24)) },
    retentionDays: 1,
    integrityDays: 35,
  };
}

/** What is paid back, in percent of the fee: the highest step whose limit the share is below. Nothing measured, nothing owed. */
export function creditPercent(credits: SlaTerms['credits'], attained: number | null): number {
  if (attained === null) return 0;
  return credits.reduce((most, { below, percent }) => (attained < below ? Math.max(most, percent) : most), 0);
}
