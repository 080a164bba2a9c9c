import { IconDownload } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { type DrillDetailView, viewDrill } from '../../../../server/drills/queries.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { formatBytes, formatCount, formatElapsed, formatExact, formatShort } from '../../../_ui/format.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { PhaseSteps } from '../../../_ui/phase-steps.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { DRILL_WORDS, LEVEL_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { TwoColumns } from '../../../_ui/two-columns.tsx';
import classes from './drill-page.module.css';
import { drillSentence, drillSteps } from './drill-words.ts';
import { TimingBars } from './timing-bars.tsx';

export const metadata: Metadata = { title: 'Restore drill' };

export default async function DrillPage({ params }: { params: Promise<{ id: string }> }): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const view = await orNotFound(viewDrill(services, scope, (await params).id));
  const { drill, device } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.timeZone };
  const isActive = drill.state === 'queued' || drill.state === 'running';
  const endMs = drill.finishedMs ?? view.nowMs;
  return (
    <>
      <LiveRefresh isActive={isActive} />
      <PageHeader
        crumbs={[
          isStaff ? { label: 'Fleet', href: '/fleet' } : { label: 'Home', href: '/home' },
          { label: device.name, href: `/devices/${device.id}?tab=drills` },
        ]}
        eyebrow={`Restore drill of ${formatShort(drill.createdMs, view.timeZone)}`}
        badge={<StatusBadge state={DRILL_WORDS[drill.state]} size="lg" />}
        sentence={drillSentence(drill)}
        support={
          <>
            Restored from the{' '}
            <Link href={`/restore-points/${drill.restorePointId}`}>
              state of {formatShort(view.captureMs, view.timeZone)}
            </Link>{' '}
            in a sandbox of its own, then compared with hashes that the agent took when it read the originals.
          </>
        }
      />
      {drill.errorMessage !== null && (
        <Notice
          tone={drill.state === 'failed' ? 'risk' : 'warn'}
          title={drill.state === 'void' ? 'It could not be carried out' : 'What went wrong'}
        >
          {drill.errorMessage}
        </Notice>
      )}
      {isActive && (
        <div className={classes.progress}>
          <Panel>
            <ProgressLine
              label={drill.state === 'queued' ? 'Waiting for a worker' : 'Restoring and comparing'}
              share={drill.filesPlanned === 0 ? null : drill.filesDone / drill.filesPlanned}
              words={`${formatCount(drill.filesDone)} of ${formatCount(drill.filesPlanned)} files`}
            />
          </Panel>
        </div>
      )}
      <MetricRow>
        <MetricTile
          name="Files that matched"
          value={`${formatCount(drill.filesMatched)} of ${formatCount(drill.filesPlanned)}`}
          {...(drill.state === 'passed' ? { tone: 'good' as const } : {})}
          {...(drill.state === 'failed' ? { tone: 'risk' as const } : {})}
        />
        <MetricTile
          name="Restored"
          value={formatBytes(drill.bytesDone)}
          note={`of ${formatBytes(drill.bytesPlanned)} planned`}
        />
        <MetricTile
          name={isActive ? 'Running for' : 'Took'}
          value={drill.startedMs === null ? '–' : formatElapsed(endMs - drill.startedMs)}
          note="without waiting for a worker"
        />
        <MetricTile name="Level" value={String(drill.level)} note={LEVEL_WORDS[drill.level]} />
        <MetricTile
          name={isActive ? 'Asked for' : 'Ended'}
          value={<Moment atMs={drill.finishedMs ?? drill.createdMs} clock={clock} />}
          note={TRIGGERS[drill.trigger]}
        />
      </MetricRow>
      {view.mismatches.length > 0 && <Mismatches view={view} />}
      <TwoColumns
        main={
          <Panel title="Steps">
            {view.steps.length === 0 ? (
              <p className="hf-quiet">The steps appear here as a worker takes them.</p>
            ) : (
              <PhaseSteps label="Steps of this drill" steps={drillSteps(view.steps)} />
            )}
          </Panel>
        }
        side={
          <>
            <Panel title="Time by part">
              <TimingBars timings={view.timings} />
            </Panel>
            <Panel title="How the sample was chosen">
              <KeyValues items={sampleFacts(view)} />
            </Panel>
          </>
        }
      />
      <Evidence view={view} />
    </>
  );
}

const TRIGGERS: Readonly<Record<string, string>> = {
  after_seal: 'after a new restore point',
  schedule: 'by schedule',
  manual: 'asked for by a person',
};

function sampleFacts(view: DrillDetailView): { key: string; value: ReactNode }[] {
  return [
    { key: 'Seed', value: <span className="hf-mono">{view.seed}</span> },
    { key: 'Snapshot', value: <span className="hf-mono">{view.snapshotId.slice(0, 16)}…</span> },
    { key: 'Restore point of', value: formatExact(view.captureMs, view.timeZone) },
    ...(view.requestedByName === null ? [] : [{ key: 'Asked for by', value: view.requestedByName }]),
  ];
}

function Mismatches({ view }: { view: DrillDetailView }): ReactNode {
  const columns: Column<DrillDetailView['mismatches'][number]>[] = [
    { key: 'path', header: 'File', cell: (item) => <span className="hf-mono">{item.path}</span> },
    { key: 'problem', header: 'Problem', cell: (item) => PROBLEMS[item.problem] ?? item.problem },
    { key: 'expected', header: 'Expected', isWideOnly: true, cell: (item) => <Hash text={item.expected} /> },
    { key: 'actual', header: 'Restored', isWideOnly: true, cell: (item) => <Hash text={item.actual} /> },
  ];
  return (
    <div className={classes.progress}>
      <Panel title="Did not match" isFlush>
        <DataTable
          label="Files that did not match"
          columns={columns}
          rows={view.mismatches}
          rowKey={(item) => item.path}
        />
      </Panel>
    </div>
  );
}

const PROBLEMS: Readonly<Record<string, string>> = {
  missing: 'did not come back',
  size: 'came back with another size',
  content: 'came back with other content',
};

function Hash({ text }: { text: string | null | undefined }): ReactNode {
  return text == null ? (
    <span className="hf-quiet">nothing</span>
  ) : (
    <span className="hf-mono" title={text}>
      {text.slice(0, 12)}…
    </span>
  );
}

function Evidence({ view }: { view: DrillDetailView }): ReactNode {
  if (view.evidence === null) return null;
  return (
    <Panel
      title="Evidence"
      note="what this drill claims, as it is kept"
      actions={
        <a href={`/api/drills/${view.drill.id}/evidence`} download className={classes.download}>
          <IconDownload size={16} aria-hidden="true" /> Download
        </a>
      }
    >
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard */}
      <pre className={classes.evidence} tabIndex={0} aria-label="Evidence as JSON">
        {view.evidence}
      </pre>
    </Panel>
  );
}
