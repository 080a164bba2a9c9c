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

/** What a rule would have done, in one sentence. */
export function backTestSentence(result: BackTestView): string {
  const looked =
    result.devicesLooked < result.devicesTotal
      ? `at ${formatCount(result.devicesLooked)} of ${formatCount(result.devicesTotal)} devices`
      : `at ${formatCountOf(result.devicesTotal, 'device')}`;
  if (result.devicesTotal === 0) return 'The rule looks at no device.';
  if (result.alerts === 0) return `In the last ${result.days} days it would not have opened an alert ${looked}.`;
  const alerts = formatCountOf(result.alerts, 'alert');
  return `In the last ${result.days} days it would have opened ${alerts} ${looked}: ${formatCountOf(result.devicesHit, 'device')} of ${formatCountOf(result.customersHit, 'customer')}, ${result.noisy === 0 ? 'none' : formatCount(result.noisy)} over by ${result.noisy === 1 ? 'itself' : 'themselves'} within an hour.`;
}

export function lengthsSentence({ medianMs, longestMs, stillOpen }: BackTestView): string {
  if (medianMs === null || longestMs === null) return '';
  const open = stillOpen === 0 ? '' : ` ${formatCount(stillOpen)} would stand now.`;
  return `Half of them stood for ${formatDuration(medianMs)} or less, the longest for ${formatDuration(longestMs)}.${open}`;
}
