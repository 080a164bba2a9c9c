import type { NoiseReport } from '../../../../core/domain/alerts/noise.ts';
import type { Rule } from '../../../../core/domain/alerts/rules.ts';
import type { BackTestView, RuleView } from '../../../../server/alerts/view.ts';
import { formatCount, formatCountOf, formatDuration } from '../../../../core/domain/format.ts';

/** The limits that a rule may have, as a form asks for them. */
export const LIMIT_FIELDS: Readonly<Record<string, { readonly label: string; readonly unit: string }>> = {
  serverHours: { label: 'Servers', unit: 'hours' },
  workstationHours: { label: 'Workstations', unit: 'hours' },
  runs: { label: 'Failures in a row', unit: 'backups' },
  backups: { label: 'Missed in a row', unit: 'backups' },
  hours: { label: 'Silent for', unit: 'hours' },
  graceHours: { label: 'Beyond the interval', unit: 'hours' },
  days: { label: 'Not compared for', unit: 'days' },
  overdueDays: { label: 'Still there for', unit: 'days' },
  usedPercent: { label: 'Used', unit: '%' },
  daysLeft: { label: 'Full in less than', unit: 'days' },
  alone: { label: 'One signal, standard deviations', unit: '' },
  together: { label: 'Two signals, standard deviations', unit: '' },
};

/** "servers 24 hours, workstations 72 hours"; empty where there is nothing to choose. */
export function limitsWords({ parameters, filter }: Pick<Rule, 'parameters' | 'filter'>): string {
  const limits = Object.entries(parameters as Readonly<Record<string, number>>).map(([name, value]) => {
    const { label, unit } = LIMIT_FIELDS[name] ?? { label: name, unit: '' };
    return `${label.toLowerCase()} ${value}${unit === '' ? '' : ` ${unit}`}`;
  });
  const { devices, ...lists } = filter;
  const where = [
    ...(devices === undefined ? [] : [`where ${devices}`]),
    ...(Object.keys(lists).length === 0 ? [] : ['some devices only']),
  ];
  return [...limits, ...where].join(', ');
}

/** A share with its count; never a bare percentage. */
export function noiseWords({ noiseShare, noisy, over }: Pick<NoiseReport, 'noiseShare' | 'noisy' | 'over'>): string {
  return noiseShare === null
    ? 'no case'
    : `${Math.floor(noiseShare * 100)} % (${formatCount(noisy)} of ${formatCount(over)})`;
}

/** "3 of 4 mended, 1 of 5 came back". */
export function mendedWords({
  actionable,
  over,
  reopened,
  alerts,
}: Pick<NoiseReport, 'actionable' | 'over' | 'reopened' | 'alerts'>): string {
  const mended = `${formatCount(actionable)} of ${formatCount(over)} mended`;
  return reopened === 0 ? mended : `${mended}, ${formatCount(reopened)} of ${formatCount(alerts)} came back`;
}

/** From so many that are over, and so large a share of them noise, a rule is called loud. */
const LOUD = { over: 5, share: 0.5 } as const;

export function rulesSentence(rules: readonly RuleView[]): string {
  const on = rules.filter(({ rule }) => rule.isEnabled);
  const loud = on.filter(({ noise }) => noise.over >= LOUD.over && (noise.noiseShare ?? 0) > LOUD.share);
  const off = rules.length - on.length;
  const watching = off === 0 ? `All ${rules.length} rules are on` : `${on.length} of ${rules.length} rules are on`;
  if (loud.length === 0) return `${watching}, and none calls mostly for nothing.`;
  return `${watching}; ${loud.length === 1 ? `“${loud[0]!.rule.name}” calls` : `${loud.length} of them call`} mostly for nothing.`;
}

const ABOUT_WORDS: Readonly<Record<BackTestView['about'], { readonly one: string; readonly many?: string }>> = {
  device: { one: 'device' },
  quota: { one: 'quota' },
  customer: { one: 'customer' },
  setting: { one: 'policy or vault', many: 'policies or vaults' },
};
const DAY_MS = 86_400_000;

/** What a rule would have done, in one sentence or two. */
export function backTestSentence(result: BackTestView): string {
  const { about, alerts, looked, total } = result;
  // What concerns a customer or a policy is looked at wherever it happens; counted are the devices, or the quotas.
  const thing = about === 'quota' ? 'quota' : 'device';
  if (total === 0 && thing === about) return `The rule looks at no ${thing}.`;
  const where =
    thing !== about
      ? ''
      : looked < total
        ? ` at ${formatCount(looked)} of ${formatCountOf(total, thing)}`
        : ` at ${formatCountOf(total, thing)}`;
  if (alerts === 0) return `${spanWords(result)} it would not have opened an alert${where}.`;
  const { one, many } = ABOUT_WORDS[about];
  const customers = formatCountOf(result.customersHit, 'customer');
  const hit = about === 'customer' ? customers : `${formatCountOf(result.hit, one, many)} of ${customers}`;
  const over = `${result.noisy === 0 ? 'none' : formatCount(result.noisy)} over by ${result.noisy === 1 ? 'itself' : 'themselves'} within an hour`;
  return `${spanWords(result)} it would have opened ${formatCountOf(alerts, 'alert')}${where}: ${hit}, ${over}.`;
}

/** Of how long: of some kinds less is known than was asked for, and silence about it would look like quiet days. */
function spanWords({ days, knownMs }: Pick<BackTestView, 'days' | 'knownMs'>): string {
  const known = Math.floor(knownMs / DAY_MS);
  if (knownMs >= days * DAY_MS) return `In the last ${days} days`;
  return `What it looks at is known for the last ${known === 0 ? formatDuration(Math.max(60_000, knownMs)) : formatCountOf(known, 'day')} alone, not for ${days} days. In this time`;
}

export function lengthsSentence({ medianMs, longestMs, stillOpen }: BackTestView): string {
  if (medianMs === null || longestMs === null) return '';
  const open = stillOpen === 0 ? '' : ` ${formatCount(stillOpen)} would stand now.`;
  return `Half of them stood for ${formatDuration(medianMs)} or less, the longest for ${formatDuration(longestMs)}.${open}`;
}
