import { IconFileCertificate } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { formatBytes, formatShort } from '../../../../core/domain/format.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';
import type { OwnReport } from '../../../../server/reports/list-reports.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';

/** A customer's own reports. */
export function OwnReports({ reports, customerId }: { reports: readonly OwnReport[]; customerId: string }): ReactNode {
  const [newest] = reports;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Home', href: '/home' }]}
        eyebrow="Reports"
        sentence={
          newest === undefined
            ? 'There is no report yet.'
            : `Your newest report is that of ${monthWords(newest.month)}.`
        }
        support="Each says how far your data could be restored in a month, and what proves it. The fingerprint shows that a file is the one that was approved."
      />
      <Panel isFlush>
        {newest === undefined ? (
          <EmptyState
            icon={<IconFileCertificate size={24} />}
            title="Your first report comes with the end of the month"
          >
            Your provider looks at it before you get it.
          </EmptyState>
        ) : (
          <DataTable
            label="Your reports, the newest month first"
            columns={COLUMNS}
            rows={reports}
            rowKey={({ id }) => id}
            href={({ month }) => `/customers/${customerId}/report?month=${month}`}
          />
        )}
      </Panel>
    </>
  );
}

const COLUMNS: Column<OwnReport>[] = [
  { key: 'month', header: 'Month', cell: ({ month }) => monthWords(month) },
  {
    key: 'file',
    header: 'Paper',
    cell: ({ id, bytes, month }) => (
      <a href={`/api/reports/${id}/file`}>
        PDF<span className="hf-visually-hidden"> of {monthWords(month)}</span> ({formatBytes(bytes)})
      </a>
    ),
  },
  {
    key: 'revision',
    header: 'Revision',
    cell: ({ revision }) => (revision === 1 ? 'first' : `${revision}, with corrections`),
  },
  { key: 'approved', header: 'Since', cell: ({ approvedMs }) => formatShort(approvedMs, 'UTC') },
  {
    key: 'sha256',
    header: 'Fingerprint (SHA-256)',
    cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 16)}…</code>,
    isWideOnly: true,
  },
];
