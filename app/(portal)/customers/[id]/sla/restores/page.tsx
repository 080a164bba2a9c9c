import { IconFileDownload } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { monthOf } from '../../../../../../core/domain/calendar.ts';
import { formatBytes, formatCount, formatCountOf, formatElapsed } from '../../../../../../core/domain/format.ts';
import { RESTORE_ASKERS, RESTORE_WAYS } from '../../../../../../core/domain/reports/report-words.ts';
import { monthWords } from '../../../../../../core/domain/sla/sla-words.ts';
import { RESTORES_A_PAGE, type RestoresView, viewRestores } from '../../../../../../server/sla/view-restores.ts';
import { monthQuery } from '../../../../../_server/month-query.ts';
import type { IdProps, SearchProps } from '../../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../../_server/session.ts';
import { DataTable } from '../../../../../_ui/data-table.tsx';
import { EmptyState } from '../../../../../_ui/empty-state.tsx';
import { MetricRow } from '../../../../../_ui/metric-tile.tsx';
import { type PageClock, ShortTime } from '../../../../../_ui/moment.tsx';
import { PageHeader } from '../../../../../_ui/page-header.tsx';
import { PageLinks } from '../../../../../_ui/page-links.tsx';
import { Panel } from '../../../../../_ui/panel.tsx';
import { RestoreTiles } from '../../../../../_ui/restore-tiles.tsx';
import { RESTORE_WORDS } from '../../../../../_ui/state-words.ts';
import { StatusBadge } from '../../../../../_ui/status-badge.tsx';

export const metadata: Metadata = { title: 'Restores' };

const query = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1) });

/** Every restore that somebody asked for in a month, from the request to its end. */
export default async function RestoresPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const asked = await searchParams;
  const month = monthQuery.parse(asked).month ?? monthOf(services.clock.nowMs(), 'UTC');
  const { page } = query.parse(asked);
  const view = await orNotFound(viewRestores(services, scope, id, { month, page }));
  const { customer, figures } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: customer.timeZone };
  return (
    <>
      <PageHeader
        crumbs={[
          isStaff ? { label: customer.name, href: `/customers/${customer.id}` } : { label: 'Home', href: '/home' },
          { label: 'Service level', href: `/customers/${customer.id}/sla?month=${month}` },
        ]}
        eyebrow="Restores"
        sentence={sentenceOf(view)}
        support="A restore counts in the month in which it ended. One of which nothing more was heard has failed; one that whoever asked stopped counts for nothing."
        actions={
          <Link href={`/api/customers/${customer.id}/report?month=${month}&table=restores`} prefetch={false}>
            As CSV
          </Link>
        }
      />
      <MetricRow>
        <RestoreTiles figures={figures} />
      </MetricRow>
      <div className="hf-stack">
        <Restores view={view} clock={clock} />
      </div>
      <PageLinks
        path={`/customers/${customer.id}/sla/restores`}
        query={{ month }}
        parameter="page"
        page={page}
        rows={RESTORES_A_PAGE}
        total={view.restoresTotal}
        unit="restore"
      />
    </>
  );
}

function sentenceOf({ figures: { failed, delivered }, month }: RestoresView): string {
  if (failed.of === 0) return `No restore ended in ${monthWords(month)}.`;
  const said = `In ${monthWords(month)} ${formatCount(delivered.of)} of ${formatCountOf(failed.of, 'restore')} ${delivered.of === 1 ? 'was' : 'were'} delivered`;
  if (delivered.p50Ms === null) return `${said}.`;
  return delivered.of === 1
    ? `${said}, ${formatElapsed(delivered.p50Ms)} after the request.`
    : `${said}, half of them within ${formatElapsed(delivered.p50Ms)} of the request.`;
}

function Restores({ view, clock }: { view: RestoresView; clock: PageClock }): ReactNode {
  const { restores, restoresTotal } = view;
  return (
    <Panel title="Restore by restore" note={`n = ${formatCount(restoresTotal)}`} isFlush>
      {restores.length === 0 ? (
        <EmptyState icon={<IconFileDownload size={24} />} title="Nobody asked for a restore">
          Files can be downloaded from each restore point, or brought back on the machine itself.
        </EmptyState>
      ) : (
        <DataTable
          label="Restores"
          columns={[
            { key: 'asked', header: 'Asked for', cell: (row) => <ShortTime atMs={row.requestedMs} clock={clock} /> },
            {
              key: 'by',
              header: 'By',
              cell: ({ asker, askedBy }) =>
                askedBy === null || asker === 'machine'
                  ? RESTORE_ASKERS[asker]
                  : `${askedBy}, for ${RESTORE_ASKERS[asker]}`,
            },
            { key: 'device', header: 'Device', cell: ({ deviceName }) => deviceName },
            {
              key: 'point',
              header: 'Data of',
              cell: (row) => <ShortTime atMs={row.captureMs} clock={clock} />,
              isWideOnly: true,
            },
            { key: 'way', header: 'How', cell: ({ way }) => RESTORE_WAYS[way] },
            {
              key: 'first',
              header: 'First byte after',
              align: 'end',
              cell: ({ firstByteMs, requestedMs }) => <Waited atMs={firstByteMs} fromMs={requestedMs} />,
              isWideOnly: true,
            },
            {
              key: 'end',
              header: 'Ended after',
              align: 'end',
              cell: ({ endedMs, requestedMs }) => <Waited atMs={endedMs} fromMs={requestedMs} />,
            },
            {
              key: 'size',
              header: 'Size',
              align: 'end',
              cell: ({ bytes }) => <span className="hf-nowrap">{bytes === null ? '–' : formatBytes(bytes)}</span>,
            },
            {
              key: 'state',
              header: 'What came of it',
              cell: ({ state, reason }) => (
                <>
                  <StatusBadge state={RESTORE_WORDS[state]} />
                  {reason !== null && <div>{reason}</div>}
                </>
              ),
            },
          ]}
          rows={restores}
          rowKey={({ id }) => id}
          href={({ restorePointId }) => `/restore-points/${restorePointId}`}
        />
      )}
    </Panel>
  );
}

function Waited({ atMs, fromMs }: { atMs: number | null; fromMs: number }): ReactNode {
  return <span className="hf-nowrap">{atMs === null ? '–' : formatElapsed(Math.max(0, atMs - fromMs))}</span>;
}
