import Link from 'next/link';
import type { ReactNode } from 'react';
import { dayOf } from '../../core/domain/calendar.ts';
import { formatCount, formatCountOf, formatDay, formatDuration, formatElapsed } from '../../core/domain/format.ts';
import { drillPassRate } from '../../core/domain/sla/drill-figures.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { SemanticRpo } from '../../core/domain/sla/semantic-rpo.ts';
import type { SlaMonthView } from '../../server/sla/view-sla-month.ts';
import { MetricRow, MetricTile } from './metric-tile.tsx';

/** The figures of a month, each opening the rows that it was computed from. */
export function SlaTiles({
  view,
  figures,
  rows,
}: {
  view: SlaMonthView;
  figures: NonNullable<SlaMonthView['figures']>;
  rows: string;
}): ReactNode {
  const { schedule, counts, drilled, peak, rto, drills, semantic } = figures;
  const passed = drillPassRate(drills.passed, drills.failed);
  return (
    <div>
      <MetricRow>
        <MetricTile
          name="Time within the target"
          value={figures.attainment === null ? '–' : percentText(figures.attainment, 2)}
          note={`n = ${formatCountOf(figures.sources, 'source')}; worst ${figures.worst === null ? '–' : percentText(figures.worst.share, 2)}, ${formatCount(figures.belowTarget)} below target`}
          href={`${rows}&show=points`}
          {...(figures.belowTarget > 0 ? { tone: 'warn' as const } : {})}
        />
        <MetricTile
          name="Most that could have been lost"
          value={peak === null ? '–' : formatDuration(peak.ageMs)}
          note={
            peak === null ? (
              'no restore point yet'
            ) : (
              <Link href={`${rows}&source=${peak.sourceId}&day=${dayOf(peak.atMs, view.customer.timeZone)}`}>
                on {formatDay(peak.atMs, view.customer.timeZone)}
              </Link>
            )
          }
        />
        <MetricTile
          name="Backups that succeeded"
          value={schedule.success === null ? '–' : percentText(schedule.success, 2)}
          note={
            <Link href={`${rows}&outcome=missed,failed,stuck`}>
              {formatCount(counts.missed + counts.failed + counts.stuck)} missed or failed of{' '}
              {formatCount(schedule.counted)}
            </Link>
          }
        />
        <MetricTile
          name="Sources with a tested restore"
          value={drilled.share === null ? '–' : `${formatCount(drilled.met)} of ${formatCount(drilled.of)}`}
          note={<Link href={`${rows}&show=tests`}>{formatCountOf(figures.drills.passed, 'test')} passed</Link>}
          {...(drilled.met < drilled.of ? { tone: 'warn' as const } : {})}
        />
      </MetricRow>
      <MetricRow>
        <MetricTile
          name="Backups on time"
          value={schedule.onTime === null ? '–' : percentText(schedule.onTime, 2)}
          note={`n = ${formatCount(schedule.counted)}; ${schedule.missed === null ? 'none' : percentText(schedule.missed, 2)} missed`}
          href={`${rows}&outcome=late,partial,failed,missed,stuck`}
        />
        <MetricTile
          name="Data age, but for the worst 5 % of time"
          value={figures.quantileMs === null ? 'No limit' : formatDuration(figures.quantileMs)}
          note={
            figures.quantileMs === null
              ? 'a source was without any restore point'
              : 'it was not older in 95 % of the time, at the worst source'
          }
          href={`${rows}&show=points`}
        />
        <MetricTile
          name="Restore tests passed"
          value={passed.share === null ? '–' : percentText(passed.share)}
          note={`${formatCount(passed.met)} of ${formatCount(passed.of)}${drills.void === 0 ? '' : `; ${formatCount(drills.void)} void, not counted`}`}
          href={`${rows}&show=tests`}
          {...(passed.met < passed.of ? { tone: 'warn' as const } : {})}
        />
        <MetricTile
          name="Longest measured recovery"
          value={rto.longestElapsedMs === null ? 'Unproven' : formatElapsed(rto.longestElapsedMs)}
          note={
            rto.longestElapsedMs === null
              ? `${formatCount(rto.estimated)} estimated, ${formatCount(rto.unproven)} unproven`
              : `from the wish on; at most ${formatElapsed(rto.longestTechnicalMs ?? rto.longestElapsedMs)} without waiting; ${formatCount(rto.met)} of ${formatCount(rto.of)} in time`
          }
          href={`${rows}&show=tests`}
        />
        {semantic !== null && semantic.of + semantic.unknown > 0 && <SemanticTile semantic={semantic} rows={rows} />}
      </MetricRow>
    </div>
  );
}

/** How old the newest entry was that restored databases held: of a month without such tests it is not shown at all. */
function SemanticTile({
  semantic: { of, unknown, worst, medianMs },
  rows,
}: {
  semantic: SemanticRpo;
  rows: string;
}): ReactNode {
  const blind = unknown === 0 ? '' : `; ${formatCountOf(unknown, 'test')} found no time`;
  return (
    <MetricTile
      name="Newest entry in a restored database"
      value={worst === null ? 'Not measured' : `${formatDuration(worst.behindMs)} behind`}
      note={
        worst === null || medianMs === null ? (
          `no time column is named for the ${formatCountOf(unknown, 'test')}`
        ) : (
          <>
            <Link href={`/drills/${worst.drillId}`}>the worst test</Link>; half of them at most{' '}
            {formatDuration(medianMs)}; n = {formatCount(of)}
            {blind}
          </>
        )
      }
      href={rows}
    />
  );
}
