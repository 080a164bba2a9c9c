import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { monthOf } from '../../../../../../core/domain/calendar.ts';
import { formatCount, formatCountOf, formatDuration } from '../../../../../../core/domain/format.ts';
import { monthWords } from '../../../../../../core/domain/sla/sla-words.ts';
import { type ServiceRowsView, viewServiceRows } from '../../../../../../server/sla/view-service-rows.ts';
import { monthQuery } from '../../../../../_server/month-query.ts';
import type { IdProps, SearchProps } from '../../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../../_server/session.ts';
import { DataTable } from '../../../../../_ui/data-table.tsx';
import { MetricRow } from '../../../../../_ui/metric-tile.tsx';
import { type PageClock, ShortTime } from '../../../../../_ui/moment.tsx';
import { PageHeader } from '../../../../../_ui/page-header.tsx';
import { Panel } from '../../../../../_ui/panel.tsx';
import { ServiceTiles } from '../../../../../_ui/service-tiles.tsx';
import { DRILL_WORDS } from '../../../../../_ui/state-words.ts';
import { StatusBadge } from '../../../../../_ui/status-badge.tsx';

export const metadata: Metadata = { title: 'What we did ourselves' };

/** Was somebody told, and was the light right? Breach by breach, and restore test by restore test. */
export default async function ServiceRowsPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const month = monthQuery.parse(await searchParams).month ?? monthOf(services.clock.nowMs(), 'UTC');
  const view = await orNotFound(viewServiceRows(services, scope, id, month));
  const { customer, figures } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: customer.timeZone };
  return (
    <>
      <PageHeader
        crumbs={[
          isStaff ? { label: customer.name, href: `/customers/${customer.id}` } : { label: 'Home', href: '/home' },
          { label: 'Service level', href: `/customers/${customer.id}/sla?month=${month}` },
        ]}
        eyebrow="What we did ourselves"
        sentence={sentenceOf(view)}
        support="As the rows say now; what stands beside the month was measured some hours ago, or at its close."
      />
      <MetricRow>
        <ServiceTiles service={figures} />
      </MetricRow>
      <div className="hf-stack">
        <Breaches view={view} clock={clock} />
        <Drills view={view} clock={clock} />
      </div>
    </>
  );
}

function sentenceOf({ figures, month }: ServiceRowsView): string {
  const wrong = figures.falseGreen.met;
  const told =
    figures.silentMs === 0
      ? `In ${monthWords(month)} no data was too old without an alert`
      : `In ${monthWords(month)} data was too old for ${formatDuration(figures.silentMs)} without an alert`;
  return wrong === 0 ? `${told}.` : `${told}, and ${formatCountOf(wrong, 'restore test')} failed under a green light.`;
}

function Breaches({ view, clock }: { view: ServiceRowsView; clock: PageClock }): ReactNode {
  const { breaches, breachesTotal, customer, month } = view;
  return (
    <Panel
      title="When data was too old, and when somebody was told"
      note={
        breachesTotal > breaches.length
          ? `the longest silent ${breaches.length} of ${formatCount(breachesTotal)}`
          : `n = ${formatCount(breachesTotal)}`
      }
      isFlush={breaches.length > 0}
    >
      {breaches.length === 0 ? (
        <p>Never in this month.</p>
      ) : (
        <DataTable
          label="Breaches and their alerts"
          columns={[
            { key: 'device', header: 'Source', cell: (row) => `${row.deviceName}, ${row.sourceName}` },
            { key: 'from', header: 'From', cell: (row) => <ShortTime atMs={row.startMs} clock={clock} /> },
            { key: 'for', header: 'For', align: 'end', cell: (row) => formatDuration(row.endMs - row.startMs) },
            {
              key: 'told',
              header: 'Told after',
              align: 'end',
              cell: ({ latencyMs }) =>
                latencyMs === null ? 'never' : latencyMs === 0 ? 'at once' : formatDuration(latencyMs),
            },
            {
              key: 'silent',
              header: 'Nobody was told for',
              align: 'end',
              cell: ({ silentMs }) => (silentMs === 0 ? 'none' : formatDuration(silentMs)),
            },
            {
              key: 'rows',
              header: <span className="hf-visually-hidden">Rows</span>,
              cell: ({ sourceId, deviceName }) => (
                <Link href={`/customers/${customer.id}/sla/rows?month=${month}&source=${sourceId}`} prefetch={false}>
                  rows<span className="hf-visually-hidden"> of {deviceName}</span>
                </Link>
              ),
            },
          ]}
          rows={breaches}
          rowKey={({ sourceId, startMs }) => `${sourceId}/${startMs}`}
        />
      )}
    </Panel>
  );
}

function Drills({ view, clock }: { view: ServiceRowsView; clock: PageClock }): ReactNode {
  const { drills, drillsTotal } = view;
  return (
    <Panel
      title="Restore tests, and the light before them"
      note={
        drillsTotal > drills.length
          ? `the newest ${drills.length} of ${formatCount(drillsTotal)}`
          : `n = ${formatCount(drillsTotal)}`
      }
      isFlush={drills.length > 0}
    >
      {drills.length === 0 ? (
        <p>None ended in this month.</p>
      ) : (
        <DataTable
          label="Restore tests and the light before them"
          columns={[
            { key: 'ended', header: 'Ended', cell: (row) => <ShortTime atMs={row.finishedMs} clock={clock} /> },
            { key: 'device', header: 'Device', cell: (row) => row.deviceName },
            { key: 'state', header: 'Result', cell: (row) => <StatusBadge state={DRILL_WORDS[row.state]} /> },
            {
              key: 'light',
              header: 'A day before it the light was',
              cell: (row) => (row.isFalseGreen ? <b>green, wrongly</b> : row.wasGreen ? 'green' : 'not green'),
            },
          ]}
          rows={drills}
          rowKey={({ id }) => id}
          href={({ id }) => `/drills/${id}`}
        />
      )}
    </Panel>
  );
}
