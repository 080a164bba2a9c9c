import { IconDeviceDesktopPlus } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { DRILL_LEVELS } from '../../../../core/domain/drill-coverage.ts';
import { CHECK_STATES } from '../../../../core/domain/outcome.ts';
import { CALENDAR_SOURCES_MAX } from '../../../../server/drills/plan-calendar.ts';
import { type DrillsView, HISTORY_ROWS, MATRIX_ROWS, viewDrills } from '../../../../server/drills/view-drills.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { staffScope } from '../../../_server/session.ts';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCount, formatCountOf } from '../../../../core/domain/format.ts';
import { FilterBar } from '../../../_ui/filter-bar.client.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { PageLinks } from '../../../_ui/page-links.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { DRILL_WORDS } from '../../../_ui/state-words.ts';
import { TwoColumns } from '../../../_ui/two-columns.tsx';
import { CoverageMatrix } from './coverage-matrix.tsx';
import { DrillCalendarGrid } from './drill-calendar.tsx';
import { DrillHistory } from './drill-history.tsx';
import classes from './drill-lists.module.css';
import { drillsSentence } from './drills-words.ts';
import { FailedDrills } from './failed-drills.tsx';
import { RunningDrills } from './running-drills.tsx';

export const metadata: Metadata = { title: 'Drills' };

const pageNumber = z.coerce.number().int().min(1).max(10_000).catch(1);
const filterSchema = z.object({
  text: z.string().max(100).catch(''),
  customer: z.uuid().nullable().catch(null),
  result: z.enum(CHECK_STATES).nullable().catch(null),
  level: z.enum(['3', '4', '5']).nullable().catch(null),
  page: pageNumber,
  sources: pageNumber,
});

export default async function DrillsPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { page, sources, ...filter } = filterSchema.parse(await searchParams);
  const view = await viewDrills(
    services,
    scope,
    {
      text: filter.text,
      customerId: filter.customer,
      state: filter.result,
      level: filter.level === null ? null : Number(filter.level),
    },
    { matrix: sources, history: page },
  );
  const query = {
    text: filter.text,
    customer: filter.customer ?? '',
    result: filter.result ?? '',
    level: filter.level ?? '',
  };
  return (
    <>
      <LiveRefresh isActive={view.running.total > 0} />
      <PageHeader
        eyebrow="Drills"
        sentence={drillsSentence(view)}
        support="A drill restores from the backup and looks at what came back: that, and nothing less, is what a green light stands for."
      />
      {view.sourcesTotal === 0 ? (
        <Panel>
          <EmptyState
            icon={<IconDeviceDesktopPlus size={24} />}
            title="Here you will see how every restore was tested"
            actions={<Link href="/settings/enrol">Add the first device</Link>}
          >
            The first drill follows the first backup by itself.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <Counts view={view} />
          <FilterBar
            label="Filter restore tests"
            textLabel="Device or customer"
            filter={filter}
            choices={[
              {
                key: 'customer',
                label: 'Customer',
                all: 'Every customer',
                options: view.customers.map(({ id, name }) => ({ value: id, label: name })),
                isLong: true,
              },
              {
                key: 'result',
                label: 'Result',
                all: 'Every result',
                options: CHECK_STATES.map((one) => ({ value: one, label: DRILL_WORDS[one].word })),
              },
              {
                key: 'level',
                label: 'Level',
                all: 'Every level',
                options: DRILL_LEVELS.map((one) => ({ value: String(one), label: `Level ${one}` })),
              },
            ]}
          />
          <div className={classes.stack}>
            <Panel title="Coverage" note="source by level: the newest test that reached it, and its age" isFlush>
              {view.matrix.rows.length === 0 ? (
                <EmptyState title="No source matches this filter" actions={<Link href="/drills">Show all</Link>} />
              ) : (
                <CoverageMatrix rows={view.matrix.rows} nowMs={view.nowMs} />
              )}
              <PageLinks
                path="/drills"
                query={query}
                parameter="sources"
                page={sources}
                rows={MATRIX_ROWS}
                total={view.matrix.total}
                unit="source"
              />
            </Panel>
          </div>
          <TwoColumns
            main={<FailedDrills failures={view.failures} nowMs={view.nowMs} />}
            side={<RunningDrills running={view.running} nowMs={view.nowMs} />}
          />
          <div className={classes.stack}>
            <Panel
              title="The next 28 days"
              note={`when every drill passes, by each customer’s clock${view.calendar.isCut ? `; of the first ${formatCount(CALENDAR_SOURCES_MAX)} sources` : ''}`}
            >
              {view.calendar.sources === 0 ? (
                <p className="hf-quiet">Nothing can be planned before there is a backup to test.</p>
              ) : (
                <DrillCalendarGrid calendar={view.calendar} />
              )}
            </Panel>
            <Panel title="History" isFlush>
              <DrillHistory history={view.history} nowMs={view.nowMs} />
              <PageLinks
                path="/drills"
                query={query}
                parameter="page"
                page={page}
                rows={HISTORY_ROWS}
                total={view.history.total}
                unit="test"
              />
            </Panel>
          </div>
        </>
      )}
    </>
  );
}

function Counts({ view }: { view: DrillsView }): ReactNode {
  const { failed, never, overdue, proven } = view.counts;
  const asked = failed + never + overdue + proven;
  return (
    <MetricRow>
      <MetricTile
        name="Proven as asked"
        value={`${formatCount(proven)} of ${formatCount(asked)}`}
        note={formatCountOf(view.sourcesTotal, 'source')}
        {...(asked > 0 && proven === asked ? { tone: 'good' as const } : {})}
      />
      <MetricTile
        name="Failed"
        value={formatCount(failed)}
        note="no later test has passed"
        {...(failed > 0 ? { tone: 'risk' as const } : {})}
      />
      <MetricTile
        name="Never reached"
        value={formatCount(never)}
        note="the depth is asked for"
        {...(never > 0 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile
        name="Overdue"
        value={formatCount(overdue)}
        note="tested too long ago"
        {...(overdue > 0 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile name="Running now" value={formatCount(view.running.total)} note="waiting ones among them" />
    </MetricRow>
  );
}
