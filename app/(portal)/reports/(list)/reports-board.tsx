import { IconChecks, IconFileCertificate } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatShort } from '../../../../core/domain/format.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';
import { REPORTS_A_PAGE, type ReportLine, type ReportsView } from '../../../../server/reports/list-reports.ts';
import { ActionButton } from '../../../_ui/action-button.client.tsx';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { MonthPicker } from '../../../_ui/month-picker.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { PageLinks } from '../../../_ui/page-links.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { mailWords, REPORT_WORDS, reportsSentence } from './report-words.ts';

/** Every customer's report of a month, what asks for somebody first. */
export function ReportsBoard({ view, page }: { view: ReportsView; page: number }): ReactNode {
  const { counts, month, months, reports, total } = view;
  const asks = counts.ready + counts.corrected;
  return (
    <>
      <LiveRefresh isActive={counts.waiting > 0} />
      <PageHeader
        eyebrow="Reports"
        sentence={reportsSentence(view)}
        support="A report is drawn when a month closes, and again when a figure of it is corrected. A customer has it, and is told by mail, once it is approved."
        actions={
          <>
            <Link href={`/reports/summary?month=${month}`}>All customers on a page</Link>
            <Link href="/settings/reports">How reports look</Link>
          </>
        }
      />
      <MonthPicker path="/reports" months={months} month={month} />
      {total === 0 ? (
        <Panel>
          <EmptyState icon={<IconFileCertificate size={24} />} title="No reports of this month">
            A customer has one for every month in which something of it was protected.
          </EmptyState>
        </Panel>
      ) : (
        <div className="hf-stack">
          <MetricRow>
            <MetricTile
              name="Wait for approval"
              value={formatCount(asks)}
              note={counts.corrected === 0 ? 'drawn, and seen by nobody yet' : `of which ${counts.corrected} corrected`}
              {...(asks > 0 ? { tone: 'warn' as const } : {})}
            />
            <MetricTile
              name="Approved"
              value={`${formatCount(counts.approved)} of ${formatCount(total)}`}
              note="customers have their newest report"
            />
            <MetricTile name="Being drawn" value={formatCount(counts.waiting)} note="a second or two each" />
            <MetricTile
              name="Not drawn"
              value={formatCount(counts.failed)}
              note="the reason is in the list"
              {...(counts.failed > 0 ? { tone: 'risk' as const } : {})}
            />
          </MetricRow>
          <Panel
            title={`Reports of ${monthWords(month)}`}
            isFlush
            actions={
              asks > 0 ? (
                <ActionButton
                  path="/api/reports/approval"
                  body={{ month, reportIds: null }}
                  icon={<IconChecks size={17} />}
                  done="Approved. The customers are told by mail."
                >
                  Approve all {formatCount(asks)}
                </ActionButton>
              ) : undefined
            }
          >
            <DataTable
              label={`Reports of ${monthWords(month)}, what asks for somebody first`}
              columns={COLUMNS}
              rows={reports}
              rowKey={({ customerId }) => customerId}
              href={({ customerId }) => `/customers/${customerId}/report?month=${month}`}
            />
          </Panel>
          <PageLinks
            path="/reports"
            query={{ month }}
            parameter="page"
            page={page}
            rows={REPORTS_A_PAGE}
            total={total}
            unit="customer"
          />
        </div>
      )}
    </>
  );
}

const COLUMNS: Column<ReportLine>[] = [
  { key: 'customer', header: 'Customer', cell: ({ customer }) => customer },
  {
    key: 'state',
    header: 'State',
    cell: ({ state, errorMessage }) => (
      <>
        <StatusBadge state={REPORT_WORDS[state]} size="sm" />
        {state === 'failed' && errorMessage !== null && <div className="hf-quiet">{errorMessage}</div>}
      </>
    ),
  },
  {
    key: 'file',
    header: 'Paper',
    cell: ({ newest }) =>
      newest === null ? (
        '–'
      ) : (
        <a href={`/api/reports/${newest.id}/file`} title={`SHA-256 ${newest.sha256}`}>
          PDF{newest.revision > 1 ? `, revision ${newest.revision}` : ''} ({formatBytes(newest.bytes)})
        </a>
      ),
  },
  {
    key: 'approved',
    header: 'Approved',
    cell: ({ approved }) =>
      approved === null
        ? '–'
        : `${formatShort(approved.approvedMs, 'UTC')}${approved.approvedBy === '' ? '' : `, ${approved.approvedBy}`}`,
    isWideOnly: true,
  },
  { key: 'mail', header: 'Told', cell: mailWords },
  {
    key: 'approve',
    header: <span className="hf-visually-hidden">Approve</span>,
    align: 'end',
    cell: ({ state, newest, month, customer }) =>
      (state === 'ready' || state === 'corrected') && newest !== null ? (
        <ActionButton
          path="/api/reports/approval"
          body={{ month, reportIds: [newest.id] }}
          done={`${customer} has its report.`}
        >
          Approve<span className="hf-visually-hidden"> the report of {customer}</span>
        </ActionButton>
      ) : null,
  },
];
