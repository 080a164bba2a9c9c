import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { type DrillDetailView, viewDrill } from '../../../../server/drills/queries.ts';
import { viewDrillEvidence } from '../../../../server/evidence/queries.ts';
import type { IdProps } from '../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { POINT_CHOICE_WORDS, RUNNER_WORDS, SCOPE_WORDS } from '../../../_ui/drill-words.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatElapsed,
  formatExact,
  formatShort,
} from '../../../../core/domain/format.ts';
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
import { DrillLooks } from './drill-looks.tsx';
import classes from './drill-page.module.css';
import { DrillPeople } from './drill-people.tsx';
import { drillSentence, drillSteps } from './drill-words.ts';
import { EvidenceViewer } from './evidence-viewer.tsx';
import { RtoBars } from './rto-bars.tsx';

export const metadata: Metadata = { title: 'Restore drill' };

export default async function DrillPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const view = await orNotFound(viewDrill(services, scope, (await params).id));
  const evidence = await viewDrillEvidence(services, scope, view.drill.id);
  const { drill, device } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.timeZone };
  const isActive = drill.state === 'queued' || drill.state === 'running';
  const endMs = drill.finishedMs ?? view.nowMs;
  return (
    <>
      <LiveRefresh isActive={isActive} />
      <PageHeader
        crumbs={[
          isStaff ? { label: 'Drills', href: '/drills' } : { label: 'Proof', href: '/proof' },
          { label: device.name, href: `/devices/${device.id}?tab=drills` },
        ]}
        eyebrow={`Restore drill of ${formatShort(drill.createdMs, view.timeZone)}`}
        badge={<StatusBadge state={DRILL_WORDS[drill.state]} size="lg" />}
        sentence={drillSentence(view)}
        support={
          <>
            Restored from the{' '}
            <Link href={`/restore-points/${drill.restorePointId}`}>
              state of {formatShort(view.captureMs, view.timeZone)}
            </Link>{' '}
            {drill.runner === 'service' ? 'in a sandbox of its own' : RUNNER_WORDS[drill.runner]}, then compared with
            hashes that the agent took when it read the originals.
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
          {...(drill.state === 'failed' && drill.filesMatched < drill.filesPlanned ? { tone: 'risk' as const } : {})}
        />
        <MetricTile
          name="Restored"
          value={formatBytes(drill.bytesDone)}
          note={
            drill.bytesDone > drill.bytesPlanned
              ? `${formatBytes(drill.bytesPlanned)} of it compared, the rest for the tests of the system`
              : `of ${formatBytes(drill.bytesPlanned)} planned`
          }
        />
        <MetricTile
          name={isActive ? 'Running for' : 'Took'}
          value={drill.startedMs === null ? '–' : formatElapsed(endMs - drill.startedMs)}
          note="without waiting for a worker"
        />
        <LevelTile view={view} />
        {view.newestBusinessMs !== null && (
          <MetricTile
            name="Newest entry in the data"
            value={<Moment atMs={view.newestBusinessMs} clock={clock} />}
            note={businessNote(view)}
            {...(view.captureMs - view.newestBusinessMs > view.rpoTargetMs ? { tone: 'warn' as const } : {})}
          />
        )}
        <MetricTile
          name={isActive ? 'Asked for' : 'Ended'}
          value={<Moment atMs={drill.finishedMs ?? drill.createdMs} clock={clock} />}
          note={TRIGGERS[drill.trigger]}
        />
      </MetricRow>
      {view.mismatches.length > 0 && <Mismatches view={view} />}
      {view.warnings.length > 0 && (
        <Notice tone="warn" title="This drill was protected less than it should be">
          <ul className={classes.warnings}>
            {view.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
      <TwoColumns
        main={
          <>
            <Panel title="Steps">
              {view.steps.length === 0 ? (
                <p className="hf-quiet">
                  {isActive ? 'The steps appear here as a worker takes them.' : 'No steps were kept of this drill.'}
                </p>
              ) : (
                <PhaseSteps label="Steps of this drill" steps={drillSteps(view.steps)} />
              )}
            </Panel>
            {view.checks.length > 0 && <DrillLooks drillId={drill.id} checks={view.checks} pictures={view.pictures} />}
          </>
        }
        side={
          <>
            <Panel title="Time by part">
              <RtoBars view={view} />
            </Panel>
            <DrillPeople view={view} clock={clock} isStaff={isStaff} />
            <Panel title="What was tested">
              <KeyValues items={testedFacts(view)} />
            </Panel>
          </>
        }
      />
      <EvidenceViewer drillId={drill.id} evidence={evidence} clock={clock} />
    </>
  );
}

function LevelTile({ view }: { view: DrillDetailView }): ReactNode {
  const { drill, levelReached } = view;
  if (levelReached === null)
    return <MetricTile name="Level asked for" value={String(drill.level)} note={LEVEL_WORDS[drill.level]} />;
  if (levelReached >= drill.level)
    return <MetricTile name="Level" value={String(levelReached)} note={LEVEL_WORDS[levelReached]} />;
  return (
    <MetricTile
      name="Level reached"
      value={`${levelReached} of ${drill.level}`}
      note={LEVEL_WORDS[levelReached] ?? 'nothing was compared'}
      tone="warn"
    />
  );
}

/** What would really have been lost: up to what moment the restored database itself knows of anything. */
function businessNote({ captureMs, newestBusinessMs }: DrillDetailView): string {
  const gapMs = captureMs - (newestBusinessMs ?? captureMs);
  return gapMs <= 0 ? 'as new as the backup' : `${formatDuration(gapMs)} before the backup was taken`;
}

const TRIGGERS: Readonly<Record<string, string>> = {
  after_seal: 'after a new restore point',
  schedule: 'by schedule',
  manual: 'asked for by a person',
};

function testedFacts(view: DrillDetailView): { key: string; value: ReactNode }[] {
  const { drill } = view;
  return [
    { key: 'Source', value: view.sourceName },
    { key: 'Amount', value: SCOPE_WORDS[drill.scope] },
    { key: 'Of', value: `${POINT_CHOICE_WORDS[drill.pointChoice]}: ${formatExact(view.captureMs, view.timeZone)}` },
    { key: 'Snapshot', value: <span className="hf-mono">{view.snapshotId.slice(0, 16)}…</span> },
    { key: 'Seed', value: <span className="hf-mono">{view.seed}</span> },
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
  damaged: 'could not be read: stored data is damaged',
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
