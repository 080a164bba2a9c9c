import { IconListSearch } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { monthOf } from '../../../../../../core/domain/calendar.ts';
import { formatCount, formatDay, formatDuration } from '../../../../../../core/domain/format.ts';
import { OCCURRENCE_OUTCOMES, type OccurrenceOutcome } from '../../../../../../core/domain/outcome.ts';
import { EXCUSABLE } from '../../../../../../server/sla/excuse-for.ts';
import { ROWS_A_PAGE, type SlaRowsView, viewSlaRows } from '../../../../../../server/sla/view-sla-rows.ts';
import { monthQuery } from '../../../../../_server/month-query.ts';
import type { IdProps, SearchProps } from '../../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../../_server/session.ts';
import { DataTable } from '../../../../../_ui/data-table.tsx';
import { EmptyState } from '../../../../../_ui/empty-state.tsx';
import { ExcuseOccurrence } from '../../../../../_ui/excuse-dialogs.client.tsx';
import { type PageClock, ShortTime } from '../../../../../_ui/moment.tsx';
import { PageHeader } from '../../../../../_ui/page-header.tsx';
import { PageLinks } from '../../../../../_ui/page-links.tsx';
import { Panel } from '../../../../../_ui/panel.tsx';
import { monthWords } from '../../../../../../core/domain/sla/sla-words.ts';
import { DRILL_WORDS, OCCURRENCE_WORDS, pointWord } from '../../../../../_ui/state-words.ts';
import { StatusBadge } from '../../../../../_ui/status-badge.tsx';

export const metadata: Metadata = { title: 'Rows' };

/** "missed,failed". */
const many = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',') : []),
  z.array(z.enum(OCCURRENCE_OUTCOMES)).catch([]),
);
const query = z.object({
  day: z.iso.date().nullable().catch(null),
  source: z.uuid().nullable().catch(null),
  outcome: many,
  /** Null: all of them. */
  show: z.enum(['backups', 'points', 'tests']).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

/** What the figures of a month were computed from. */
export default async function SlaRowsPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const asked = await searchParams;
  const { day, source, outcome, show, page } = query.parse(asked);
  const month = day?.slice(0, 7) ?? monthQuery.parse(asked).month ?? monthOf(services.clock.nowMs(), 'UTC');
  const view = await orNotFound(
    viewSlaRows(services, scope, id, { month, day, sourceId: source, outcomes: outcome, page }),
  );
  const allHref = `/customers/${view.customer.id}/sla/rows?${new URLSearchParams({
    ...(day === null ? { month } : { day }),
    ...(source === null ? {} : { source }),
  })}`;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.customer.timeZone };
  const span = day === null ? monthWords(month) : formatDay(view.window.startMs, view.customer.timeZone);
  const whose = view.sourceName === null ? '' : ` of ${view.sourceName}`;
  const totals = { backups: view.occurrencesTotal, points: view.pointsTotal, tests: view.drillsTotal };
  const isShown = (part: keyof typeof totals): boolean =>
    outcome.length > 0 ? part === 'backups' : show === null || show === part;
  const most = Math.max(...(['backups', 'points', 'tests'] as const).map((part) => (isShown(part) ? totals[part] : 0)));
  return (
    <>
      <PageHeader
        crumbs={[
          isStaff
            ? { label: view.customer.name, href: `/customers/${view.customer.id}` }
            : { label: 'Home', href: '/home' },
          { label: 'Service level', href: `/customers/${view.customer.id}/sla?month=${month}` },
        ]}
        eyebrow="Rows"
        sentence={`The rows${whose} behind the figures of ${span}.`}
        support={
          show === null && outcome.length === 0 ? (
            'Every figure is computed from these: what was expected, the restore points that came of it, and the restore tests.'
          ) : (
            <>
              Of the rows of this time those that the figure was computed from.{' '}
              <Link href={allHref}>All rows of it</Link>
            </>
          )
        }
      />
      <div className="hf-stack">
        {isShown('backups') && <Occurrences view={view} clock={clock} isStaff={isStaff} />}
        {isShown('points') && <Points view={view} clock={clock} />}
        {isShown('tests') && <Drills view={view} clock={clock} />}
        {outcome.length === 0 && show !== 'tests' && <ExcusedTime view={view} clock={clock} />}
      </div>
      <PageLinks
        path={`/customers/${view.customer.id}/sla/rows`}
        query={{ month, day: day ?? '', source: source ?? '', outcome: outcome.join(','), show: show ?? '' }}
        parameter="page"
        page={page}
        rows={ROWS_A_PAGE}
        total={most}
        unit="row"
      />
    </>
  );
}

const isExcusable = (outcome: OccurrenceOutcome | null): boolean =>
  (EXCUSABLE as readonly (string | null)[]).includes(outcome);

function Occurrences({ view, clock, isStaff }: { view: SlaRowsView; clock: PageClock; isStaff: boolean }): ReactNode {
  return (
    <Panel title="Expected backups" note={`n = ${formatCount(view.occurrencesTotal)}`} isFlush>
      {view.occurrences.length === 0 ? (
        <EmptyState icon={<IconListSearch size={24} />} title="None">
          Nothing of this kind was expected in this time.
        </EmptyState>
      ) : (
        <DataTable
          label="Expected backups"
          columns={[
            { key: 'due', header: 'Due', cell: (row) => <ShortTime atMs={row.dueMs} clock={clock} /> },
            { key: 'device', header: 'Device', cell: (row) => row.deviceName },
            {
              key: 'outcome',
              header: 'What came of it',
              cell: (row) =>
                row.outcome === null ? 'not known yet' : <StatusBadge state={OCCURRENCE_WORDS[row.outcome]} />,
            },
            { key: 'reason', header: 'Why', cell: (row) => row.reason ?? '–' },
            ...(isStaff
              ? [
                  {
                    key: 'excuse',
                    header: <span className="hf-visually-hidden">Excuse</span>,
                    cell: (row: SlaRowsView['occurrences'][number]) =>
                      isExcusable(row.outcome) ? (
                        <ExcuseOccurrence customerId={view.customer.id} occurrenceId={row.id} />
                      ) : null,
                  },
                ]
              : []),
          ]}
          rows={view.occurrences}
          rowKey={({ id }) => id}
        />
      )}
    </Panel>
  );
}

function Points({ view, clock }: { view: SlaRowsView; clock: PageClock }): ReactNode {
  return (
    <>
      {view.carried.length > 0 && (
        <Panel title="What it began with" note="the newest usable restore point of before, of each source" isFlush>
          <PointTable label="Restore points of before" points={view.carried} clock={clock} />
        </Panel>
      )}
      <Panel title="Restore points" note={`n = ${formatCount(view.pointsTotal)}`} isFlush={view.points.length > 0}>
        {view.points.length === 0 ? (
          <p>None was made in this time.</p>
        ) : (
          <PointTable label="Restore points" points={view.points} clock={clock} />
        )}
      </Panel>
    </>
  );
}

function Drills({ view, clock }: { view: SlaRowsView; clock: PageClock }): ReactNode {
  return (
    <>
      <Panel title="Restore tests" note={`n = ${formatCount(view.drillsTotal)}`} isFlush={view.drills.length > 0}>
        {view.drills.length === 0 ? (
          <p>None ended in this time.</p>
        ) : (
          <DrillTable label="Restore tests" drills={view.drills} clock={clock} />
        )}
      </Panel>
      {view.earlierDrills.length > 0 && (
        <Panel
          title="Restore tests of before"
          note="the newest that passed; they count as long as their interval"
          isFlush
        >
          <DrillTable label="Restore tests of before" drills={view.earlierDrills} clock={clock} />
        </Panel>
      )}
    </>
  );
}

function ExcusedTime({ view, clock }: { view: SlaRowsView; clock: PageClock }): ReactNode {
  return (
    <>
      {view.excuses.length > 0 && (
        <Panel title="Time that does not count" note="approved" isFlush>
          <DataTable
            label="Excused time"
            columns={[
              { key: 'from', header: 'From', cell: (row) => <ShortTime atMs={row.startMs} clock={clock} /> },
              { key: 'to', header: 'To', cell: (row) => <ShortTime atMs={row.endMs} clock={clock} /> },
              { key: 'device', header: 'Device', cell: (row) => row.deviceName ?? 'every device' },
              { key: 'why', header: 'Why', cell: (row) => row.reason },
              { key: 'by', header: 'Approved by', cell: (row) => row.decidedBy ?? '–' },
            ]}
            rows={view.excuses}
            rowKey={({ id }) => id}
          />
        </Panel>
      )}
    </>
  );
}

function PointTable({
  label,
  points,
  clock,
}: {
  label: string;
  points: SlaRowsView['points'];
  clock: PageClock;
}): ReactNode {
  return (
    <DataTable
      label={label}
      columns={[
        { key: 'capture', header: 'Data of', cell: (row) => <ShortTime atMs={row.captureMs} clock={clock} /> },
        { key: 'sealed', header: 'Restorable from', cell: (row) => <ShortTime atMs={row.sealedMs} clock={clock} /> },
        {
          key: 'took',
          header: 'After',
          cell: (row) => formatDuration(row.sealedMs - row.captureMs),
          isWideOnly: true,
        },
        { key: 'device', header: 'Device', cell: (row) => row.deviceName },
        { key: 'state', header: 'State', cell: (row) => <StatusBadge state={pointWord(row.state, row.level)} /> },
        { key: 'counts', header: 'Counts', cell: (row) => (row.isUsable ? 'yes' : 'no') },
      ]}
      rows={points}
      rowKey={({ id }) => id}
      href={({ id }) => `/restore-points/${id}`}
    />
  );
}

function DrillTable({
  label,
  drills,
  clock,
}: {
  label: string;
  drills: SlaRowsView['drills'];
  clock: PageClock;
}): ReactNode {
  return (
    <DataTable
      label={label}
      columns={[
        { key: 'ended', header: 'Ended', cell: (row) => <ShortTime atMs={row.finishedMs} clock={clock} /> },
        { key: 'device', header: 'Device', cell: (row) => row.deviceName },
        { key: 'level', header: 'Level', align: 'end', cell: (row) => row.level },
        { key: 'state', header: 'Result', cell: (row) => <StatusBadge state={DRILL_WORDS[row.state]} /> },
        ...(drills.some(({ behindMs }) => behindMs !== null)
          ? [
              {
                key: 'behind',
                header: 'Newest entry, before the backup',
                align: 'end' as const,
                cell: ({ behindMs }: SlaRowsView['drills'][number]) =>
                  behindMs === null ? '–' : formatDuration(behindMs),
              },
            ]
          : []),
      ]}
      rows={drills}
      rowKey={({ id }) => id}
      href={({ id }) => `/drills/${id}`}
    />
  );
}
