import type { ReactNode } from 'react';
import { formatCount, formatDuration, formatElapsed } from '../../core/domain/format.ts';
import type { TierFigures } from '../../core/domain/sla/customer-figures.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { Share } from '../../core/domain/sla/share.ts';
import type { SlaMonthView, SourceLine } from '../../server/sla/view-sla-month.ts';
import { type Column, DataTable } from './data-table.tsx';

function shareText({ met, of, share }: Share): string {
  return share === null ? 'none' : `${percentText(share)} (${formatCount(met)} of ${formatCount(of)})`;
}

/** What was promised beside what was attained, a row a tier; each leads to its own sources below, and those to their rows. */
export function TierTable({
  tiers,
  href,
}: {
  tiers: readonly TierFigures[];
  href: (tierKey: string) => string;
}): ReactNode {
  const columns: Column<TierFigures>[] = [
    { key: 'name', header: 'Tier', cell: ({ tier, sources }) => `${tier.name} (${formatCount(sources)})` },
    {
      key: 'rpo',
      header: 'Within the target',
      cell: ({ tier, attainment }) => (
        <>
          <b>{attainment === null ? 'not measured' : percentText(attainment, 2)}</b>
          <span className="hf-quiet">
            {' '}
            of the time; promised {percentText(tier.rpoShare, 2)} at {formatDuration(tier.rpoMinutes * 60_000)}
          </span>
        </>
      ),
    },
    {
      key: 'success',
      header: 'Backups',
      cell: ({ tier, schedule }) => (
        <>
          <b>{schedule.success === null ? 'none' : percentText(schedule.success, 2)}</b>
          <span className="hf-quiet">
            {' '}
            of {formatCount(schedule.counted)}; promised {percentText(tier.successShare, 2)}
          </span>
        </>
      ),
    },
    {
      key: 'drills',
      header: 'Restores tested',
      cell: ({ tier, drilled }) => (
        <>
          <b>{shareText(drilled)}</b>
          <span className="hf-quiet">
            {' '}
            level {tier.drill.level}, every {tier.drill.everyDays} days
          </span>
        </>
      ),
    },
    {
      key: 'rto',
      header: 'Recovery time',
      cell: ({ tier, rto }) => (
        <>
          <b>{rto.share === null ? 'unproven' : shareText(rto)}</b>
          <span className="hf-quiet">
            {' '}
            within {formatDuration(tier.rtoMinutes * 60_000)}; {rto.estimated} estimated, {rto.unproven} unproven
          </span>
        </>
      ),
    },
    {
      key: 'budget',
      header: 'Error budget',
      cell: ({ budget, credit }) => (
        <>
          {budget.burn === null
            ? budget.spentMs === 0
              ? 'nothing used'
              : `${formatDuration(budget.spentMs)} over`
            : `${Math.ceil(budget.burn * 100)} % used`}
          {credit > 0 && <b>, credit {credit} %</b>}
        </>
      ),
    },
  ];
  return (
    <DataTable
      label="What was promised and what was attained"
      columns={columns}
      rows={tiers}
      rowKey={({ tier }) => tier.key}
      href={({ tier }) => href(tier.key)}
    />
  );
}

/** Every source of the month, the worst first; each opens its rows. */
export function SourceMonthTable({
  view,
  sources,
  rowsPath,
}: {
  view: SlaMonthView;
  /** Those of the month that are shown. */
  sources: readonly SourceLine[];
  rowsPath: string;
}): ReactNode {
  const columns: Column<SourceLine>[] = [
    { key: 'name', header: 'Source', cell: ({ name }) => name },
    { key: 'tier', header: 'Tier', cell: ({ tierName }) => tierName, isWideOnly: true },
    {
      key: 'share',
      header: 'Within the target',
      align: 'end',
      cell: ({ share, isBelow }) => (share === null ? '–' : `${percentText(share, 2)}${isBelow ? ', below' : ''}`),
    },
    { key: 'rpo', header: 'Target', align: 'end', cell: ({ rpoMs }) => formatDuration(rpoMs), isWideOnly: true },
    {
      key: 'peak',
      header: 'Oldest data',
      align: 'end',
      cell: ({ peakMs }) => (peakMs === null ? 'none yet' : formatDuration(peakMs)),
    },
    {
      key: 'bad',
      header: 'Missed or failed',
      align: 'end',
      cell: ({ bad, expected }) => `${formatCount(bad)} of ${formatCount(expected)}`,
    },
    {
      key: 'drills',
      header: 'Tests passed',
      align: 'end',
      cell: ({ drills }) => `${formatCount(drills.passed)} of ${formatCount(drills.passed + drills.failed)}`,
    },
    { key: 'rto', header: 'Recovery took', align: 'end', cell: ({ rto }) => rtoText(rto) },
  ];
  return (
    <DataTable
      label="Sources in this month"
      columns={columns}
      rows={sources}
      rowKey={({ sourceId }) => sourceId}
      href={({ sourceId }) => `${rowsPath}?month=${view.month}&source=${sourceId}`}
    />
  );
}

function rtoText(rto: SourceLine['rto']): string {
  switch (rto.kind) {
    case 'measured':
      return formatElapsed(rto.elapsedMs);
    case 'estimated':
      return `estimated ${formatElapsed(rto.estimatedMs)}`;
    case 'unproven':
      return 'unproven';
  }
}
