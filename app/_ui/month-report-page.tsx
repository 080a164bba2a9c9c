import Link from 'next/link';
import type { ReactNode } from 'react';
import {
  formatBytes,
  formatCount,
  formatCountOf,
  formatDuration,
  formatExact,
  formatShort,
} from '../../core/domain/format.ts';
import type {
  MonthReport,
  ReportAmendment,
  ReportBreach,
  ReportDay,
  ReportDrill,
  ReportExcuse,
  ReportSystem,
  ReportTier,
} from '../../core/domain/reports/month-report.ts';
import { breachSentence, restoreSentence, semanticSentence } from '../../core/domain/reports/report-words.ts';
import { READINESS_PARTS } from '../../core/domain/sla/readiness.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import { monthWords, PART_WORDS } from '../../core/domain/sla/sla-words.ts';
import { type Column, DataTable } from './data-table.tsx';
import { KeyValues } from './key-values.tsx';
import { MetricRow, MetricTile } from './metric-tile.tsx';
import { Notice } from './notice.tsx';
import { type Crumb, PageHeader } from './page-header.tsx';
import { Panel } from './panel.tsx';
import { RESTORES_SHOWN, restoreColumns } from './restore-columns.tsx';
import { RtoBar } from './rto-bar.tsx';
import { WeekGrid } from './week-grid.tsx';
import classes from './month-report-page.module.css';

const shareText = (share: number | null): string => (share === null ? 'not measured' : percentText(share, 2));
/** The paper has the rest in its tables, and the exports all of it. */
const DRILLS_SHOWN = 100;

/** The monthly report on a screen: what the paper says, in its order. */
export function MonthReportPage({
  report,
  customerId,
  crumbs,
}: {
  report: MonthReport;
  customerId: string;
  crumbs: readonly Crumb[];
}): ReactNode {
  const { figures, tiers, drills, systems, breaches, excuses, amendments, storage, timeZone, month } = report;
  const rows = `/customers/${customerId}/sla/rows?month=${month}`;
  const exportPath = `/api/customers/${customerId}/report?month=${month}`;
  return (
    <>
      <PageHeader
        crumbs={crumbs}
        eyebrow={`${report.customer}, ${monthWords(month)}`}
        sentence={report.sentence}
        support={report.proof}
        actions={
          <>
            <Link href={`/customers/${customerId}/sla?month=${month}`}>All figures</Link>
            <a href={exportPath}>JSON</a>
          </>
        }
      />
      <div className="hf-stack">
        {report.isPreview && (
          <Notice tone="calm" title="A preview">
            The month is not closed yet; its figures still change. The report is drawn when it is.
          </Notice>
        )}
        <MetricRow>
          {figures.map(({ title, value, base, target, met }) => (
            <MetricTile
              key={title}
              name={title}
              value={value}
              href={rows}
              note={`${base}${target === null ? '' : `; ${target}, ${met === true ? 'reached' : met === false ? 'missed' : 'not measured'}`}`}
              {...(met === false ? { tone: 'risk' as const } : {})}
            />
          ))}
        </MetricRow>
        <Panel title="Day by day" note={`by the clock of ${timeZone}`} actions={<Csv path={exportPath} table="days" />}>
          <Calendar days={report.days} rows={rows} />
        </Panel>
        <Panel
          title="Ready to recover"
          note={
            report.readiness.score === null
              ? 'not measured'
              : `${report.readiness.score} of 100; a weak part pulls the whole down`
          }
        >
          <KeyValues
            items={READINESS_PARTS.map((part) => ({
              key: PART_WORDS[part],
              value: shareText(report.readiness.parts[part]),
            }))}
          />
        </Panel>
        <RowsPanel
          title="Targets and what was reached"
          note={
            report.contract === null ? 'without a contract: as in the policies' : `the contract, ${report.contract}`
          }
          exportPath={exportPath}
          table="tiers"
          columns={TIERS}
          rows={tiers}
          none="No system was measured against a target in this month."
        />
        <RowsPanel
          title="When a target was missed"
          note={breachSentence({ shown: breaches.length, total: report.breachesTotal, days: report.days })}
          exportPath={exportPath}
          table="breaches"
          columns={breachColumns(timeZone)}
          rows={breaches}
        />
        {excuses.length > 0 && (
          <RowsPanel
            title="Time that was excused"
            note="left out of the shares, never out of the age of data"
            exportPath={exportPath}
            table="excuses"
            columns={excuseColumns(timeZone)}
            rows={excuses}
          />
        )}
        <RowsPanel
          title="Restore tests"
          note={`${
            drills.length > DRILLS_SHOWN
              ? `the newest ${DRILLS_SHOWN} of ${formatCount(drills.length)}`
              : formatCountOf(drills.length, 'test')
          }${report.semantic === null || report.semantic.of === 0 ? '' : `. ${semanticSentence(report.semantic)}`}`}
          exportPath={exportPath}
          table="drills"
          columns={drillColumns(timeZone)}
          rows={[...drills].reverse().slice(0, DRILLS_SHOWN)}
          href={({ id }) => `/drills/${id}`}
        />
        <RowsPanel
          title="Restores that were asked for"
          note={restoreSentence(report.restores.figures)}
          exportPath={exportPath}
          table="restores"
          columns={restoreColumns(timeZone)}
          rows={report.restores.rows.slice(0, RESTORES_SHOWN)}
        />
        <RowsPanel
          title="What is protected"
          note={formatCountOf(systems.length, 'system')}
          exportPath={exportPath}
          table="systems"
          columns={systemColumns(timeZone)}
          rows={systems}
        />
        {storage.length > 0 && (
          <RowsPanel
            title="Storage"
            note="the highest of each month"
            exportPath={exportPath}
            table="storage"
            columns={STORAGE}
            rows={[...storage].reverse()}
          />
        )}
        {amendments.length > 0 && (
          <RowsPanel
            title="Corrections"
            note="the month was closed with other figures"
            exportPath={exportPath}
            table="corrections"
            columns={amendmentColumns(timeZone)}
            rows={amendments}
          />
        )}
        <Panel title="How to check it" note={formatCountOf(report.evidence.records, 'signed record')}>
          <KeyValues
            items={[
              { key: 'Check a record at', value: report.evidence.checkUrl },
              {
                key: 'For insurers and auditors',
                value: (
                  <a href={`/api/customers/${customerId}/pack?month=${month}`}>
                    One archive: report, figures, records and how to check them
                  </a>
                ),
              },
              {
                key: 'All records of the month',
                value: <a href={`/api/customers/${customerId}/evidence?month=${month}`}>Download</a>,
              },
              { key: 'Last link of the chain', value: <Hash value={report.evidence.lastHash} /> },
              { key: 'Signed by the key', value: <Hash value={report.evidence.keyId} /> },
              { key: report.isPreview ? 'As of' : 'Says what held on', value: formatExact(report.issuedMs, timeZone) },
              ...report.contacts.map(({ name, how }) => ({ key: name, value: how })),
            ]}
          />
        </Panel>
      </div>
    </>
  );
}

/** One part of the month: what it says in a line, its rows, and the same as a file. */
function RowsPanel<Row extends object>({
  title,
  note,
  exportPath,
  table,
  columns,
  rows,
  href,
  none,
}: {
  title: string;
  note: string;
  exportPath: string;
  table: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  href?: (row: Row) => string;
  /** Said in the place of rows where there are none; else the note says it. */
  none?: string;
}): ReactNode {
  const hasRows = rows.length > 0;
  // Systems may have the same name, and be old at the same time.
  const numbers = new Map(rows.map((row, number) => [row, String(number)]));
  return (
    <Panel
      title={title}
      note={note}
      actions={hasRows ? <Csv path={exportPath} table={table} /> : undefined}
      isFlush={hasRows || none === undefined}
    >
      {hasRows ? (
        <DataTable
          label={title}
          columns={columns}
          rows={rows}
          rowKey={(row) => numbers.get(row)!}
          {...(href === undefined ? {} : { href })}
        />
      ) : (
        none
      )}
    </Panel>
  );
}

function Csv({ path, table }: { path: string; table: string }): ReactNode {
  return (
    <a href={`${path}&table=${table}`}>
      CSV<span className="hf-visually-hidden"> of {table}</span>
    </a>
  );
}

function Hash({ value }: { value: string | null }): ReactNode {
  return value === null ? 'none' : <code className={classes.hash}>{value}</code>;
}

const DAY_WORDS: Readonly<Record<ReportDay['state'], string>> = {
  within: 'within the target',
  breach: 'older than the target',
  excused: 'excused',
  outside: 'not promised',
  unknown: 'not measured',
};

function Calendar({ days, rows }: { days: readonly ReportDay[]; rows: string }): ReactNode {
  return (
    <WeekGrid firstDay={days[0]?.day ?? ''} className={classes.days}>
      {days.map((day) => (
        <li key={day.day} data-state={day.state}>
          {day.state === 'outside' ? (
            <b>{Number(day.day.slice(8))}</b>
          ) : (
            <Link href={`${rows}&day=${day.day}`} prefetch={false}>
              <b>{Number(day.day.slice(8))}</b>
              <span className="hf-visually-hidden">: the rows of the day</span>
            </Link>
          )}
          <span className={day.state === 'breach' ? undefined : classes.word}>{DAY_WORDS[day.state]}</span>
          {day.worstAgeMs !== null && <span>{formatDuration(day.worstAgeMs)}</span>}
          {day.drillsFailed > 0 && <span>test failed</span>}
          {day.drillsFailed === 0 && day.drillsPassed > 0 && <span>tested</span>}
        </li>
      ))}
    </WeekGrid>
  );
}

const TIERS: Column<ReportTier>[] = [
  { key: 'name', header: 'Tier', cell: ({ name, sources }) => `${name}, ${formatCountOf(sources, 'system')}` },
  {
    key: 'rpo',
    header: 'Data young enough',
    cell: ({ rpoShare, rpoTarget, rpoMs }) => (
      <>
        <b>{shareText(rpoShare)}</b>
        <div className="hf-quiet">
          agreed {percentText(rpoTarget, 2)} at {formatDuration(rpoMs)}
        </div>
      </>
    ),
  },
  {
    key: 'success',
    header: 'Backups made',
    cell: ({ successShare, successTarget }) => (
      <>
        <b>{shareText(successShare)}</b>
        <div className="hf-quiet">agreed {percentText(successTarget, 2)}</div>
      </>
    ),
  },
  {
    key: 'drilled',
    header: 'Restore-tested',
    cell: ({ drilled, sources, drillLevel }) => `${drilled} of ${sources}, level ${drillLevel}`,
  },
  {
    key: 'below',
    header: 'Missed by',
    cell: ({ belowTarget, worstSource }) =>
      belowTarget === 0 || worstSource === null
        ? 'none'
        : `${formatCountOf(belowTarget, 'system')}, worst ${worstSource.name} (${percentText(worstSource.rpoShare, 2)})`,
  },
  {
    key: 'credit',
    header: 'Credit',
    align: 'end',
    cell: ({ creditPercent }) => (creditPercent === 0 ? 'none' : `${creditPercent} %`),
  },
];

const breachColumns = (timeZone: string): Column<ReportBreach>[] => [
  { key: 'system', header: 'System', cell: ({ system }) => system },
  { key: 'from', header: 'From', cell: ({ startMs }) => formatShort(startMs, timeZone) },
  {
    key: 'for',
    header: 'For',
    align: 'end',
    cell: ({ startMs, endMs, isOpen }) => `${formatDuration(endMs - startMs)}${isOpen ? ', open' : ''}`,
  },
  {
    key: 'oldest',
    header: 'Oldest',
    align: 'end',
    cell: ({ worstAgeMs }) => (worstAgeMs === null ? 'no backup' : formatDuration(worstAgeMs)),
  },
  { key: 'cause', header: 'Cause', cell: ({ cause }) => cause },
  { key: 'remedy', header: 'What was done', cell: ({ remedy }) => remedy },
];

const excuseColumns = (timeZone: string): Column<ReportExcuse>[] => [
  { key: 'system', header: 'System', cell: ({ system }) => system },
  { key: 'from', header: 'From', cell: ({ startMs }) => formatShort(startMs, timeZone) },
  { key: 'for', header: 'For', align: 'end', cell: ({ startMs, endMs }) => formatDuration(endMs - startMs) },
  { key: 'reason', header: 'Reason', cell: ({ reason }) => reason },
  { key: 'by', header: 'Approved by', cell: ({ approvedBy }) => approvedBy },
];

const amendmentColumns = (timeZone: string): Column<ReportAmendment>[] => [
  { key: 'figure', header: 'Figure', cell: ({ figure }) => figure },
  { key: 'when', header: 'When', cell: ({ atMs }) => formatShort(atMs, timeZone) },
  { key: 'was', header: 'Was', align: 'end', cell: ({ before }) => before },
  { key: 'is', header: 'Is', align: 'end', cell: ({ after }) => after },
  { key: 'cause', header: 'Cause', cell: ({ cause }) => cause },
];

const drillColumns = (timeZone: string): Column<ReportDrill>[] => [
  { key: 'system', header: 'System', cell: ({ system }) => system },
  { key: 'when', header: 'When', cell: ({ endedMs }) => formatShort(endedMs, timeZone) },
  { key: 'level', header: 'Level', align: 'end', cell: ({ level }) => level },
  { key: 'result', header: 'Result', cell: ({ result }) => result },
  {
    key: 'took',
    header: 'Restore took',
    align: 'end',
    cell: ({ rtoMs, isEstimated, rtoTargetMs }) =>
      rtoMs === null ? '–' : <RtoBar tookMs={rtoMs} targetMs={rtoTargetMs} isEstimated={isEstimated} />,
  },
  { key: 'note', header: 'What was seen', cell: ({ note }) => note },
  {
    key: 'record',
    header: 'Record',
    cell: ({ evidenceHash }) =>
      evidenceHash === null ? 'none' : <code title={evidenceHash}>{evidenceHash.slice(0, 10)}</code>,
    isWideOnly: true,
  },
];

const systemColumns = (timeZone: string): Column<ReportSystem>[] => [
  { key: 'system', header: 'System', cell: ({ device, source }) => (source === '' ? device : `${device}: ${source}`) },
  { key: 'tier', header: 'Tier', cell: ({ tier }) => tier },
  { key: 'size', header: 'Size', align: 'end', cell: ({ protectedBytes }) => formatBytes(protectedBytes) },
  { key: 'share', header: 'Young enough', align: 'end', cell: ({ rpoShare }) => shareText(rpoShare) },
  {
    key: 'oldest',
    header: 'Oldest',
    align: 'end',
    cell: ({ worstAgeMs }) => (worstAgeMs === null ? 'no backup' : formatDuration(worstAgeMs)),
  },
  {
    key: 'proven',
    header: 'Proven',
    cell: ({ provenLevel, provenMs }) =>
      provenLevel === null || provenMs === null
        ? 'not yet'
        : `level ${provenLevel}, ${formatShort(provenMs, timeZone)}`,
  },
];

const STORAGE: Column<MonthReport['storage'][number]>[] = [
  { key: 'month', header: 'Month', cell: ({ month }) => monthWords(month) },
  { key: 'protected', header: 'Protected', align: 'end', cell: ({ protectedBytes }) => formatBytes(protectedBytes) },
  { key: 'stored', header: 'Stored', align: 'end', cell: ({ storedBytes }) => formatBytes(storedBytes) },
];
