import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { type RunDetailView, viewRunDetail } from '../../../../server/runs/queries.ts';
import type { IdProps } from '../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { GROWTH_WORDS } from '../../../../core/domain/alerts/growth-words.ts';
import { formatBytes, formatCount, formatCountOf, formatElapsed, formatShort } from '../../../../core/domain/format.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { PhaseSteps } from '../../../_ui/phase-steps.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { runProgress } from '../../../_ui/run-progress.ts';
import { RUN_WORDS, runWord } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { TwoColumns } from '../../../_ui/two-columns.tsx';
import { runPhases } from './run-phases.ts';
import { runSentence } from './run-sentence.ts';

export const metadata: Metadata = { title: 'Backup run' };

export default async function RunPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const view = await orNotFound(viewRunDetail(services, scope, (await params).id));
  const { run, device } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.timeZone };
  const progress = runProgress(run);
  const endMs = run.finishedMs ?? (progress === undefined ? run.lastProgressMs : view.nowMs);
  return (
    <>
      <LiveRefresh isActive={progress !== undefined} />
      <PageHeader
        crumbs={[
          isStaff ? { label: 'Fleet', href: '/fleet' } : { label: 'Home', href: '/home' },
          { label: device.name, href: `/devices/${device.id}?tab=runs` },
        ]}
        eyebrow={`Backup of ${formatShort(run.startedMs, view.timeZone)}`}
        badge={<StatusBadge state={RUN_WORDS[runWord(run.state, run.outcome)]} size="lg" />}
        sentence={runSentence(run)}
        support={
          view.restorePointId === null ? undefined : (
            <Link href={`/restore-points/${view.restorePointId}`}>Browse the restore point it made</Link>
          )
        }
      />
      {run.errorMessage !== null && (
        <Notice tone="risk" title="Why it made no restore point">
          {run.errorMessage} Everything that was sealed before is untouched.
        </Notice>
      )}
      {progress !== undefined && (
        <div style={{ marginBottom: 20 }}>
          <Panel>
            <ProgressLine {...progress} />
          </Panel>
        </div>
      )}
      <MetricRow>
        <MetricTile name="Began" value={<Moment atMs={run.startedMs} clock={clock} />} note={TRIGGERS[run.trigger]} />
        <MetricTile
          name={progress === undefined ? 'Took' : 'Running for'}
          value={formatElapsed(endMs - run.startedMs)}
        />
        <MetricTile
          name="Protected"
          value={formatBytes(run.selectedBytes)}
          note={formatCountOf(run.selectedFiles, 'file')}
        />
        <MetricTile
          name="New in the store"
          value={formatBytes(run.storedBytes)}
          note={newShare(run.storedBytes, run.selectedBytes)}
        />
        <MetricTile
          name="Could not be read"
          value={formatCount(run.unreadCount)}
          note={run.unreadCount === 0 ? 'every selected file was read' : formatBytes(run.unreadBytes)}
          {...(run.unreadCount > 0 ? { tone: 'warn' as const } : {})}
        />
      </MetricRow>
      <TwoColumns
        main={
          <Panel title="What happened">
            <PhaseSteps label="Phases of this backup" steps={runPhases(view)} />
          </Panel>
        }
        side={<ManifestPanel view={view} clock={clock} />}
      />
      {view.unread.length > 0 && <UnreadPanel view={view} />}
    </>
  );
}

const TRIGGERS: Readonly<Record<string, string>> = {
  schedule: 'by schedule',
  command: 'asked for in the portal',
  manual: 'started on the machine',
};

function newShare(storedBytes: number, selectedBytes: number): string {
  if (selectedBytes === 0 || storedBytes === 0) return 'after deduplication and compression';
  const percent = (storedBytes / selectedBytes) * 100;
  return `${percent < 0.1 ? 'less than 0.1' : percent.toFixed(1)} % of what is protected`;
}

const KINDS: Readonly<Record<string, string>> = {
  data_pack: 'Packs of file content',
  tree_pack: 'Packs of folders',
  index: 'Index files',
  snapshot: 'Snapshots',
  key: 'Key files',
  config: 'Configuration',
};

function ManifestPanel({ view, clock }: { view: RunDetailView; clock: PageClock }): ReactNode {
  const { manifest, run, objects } = view;
  const stored = objects.map((one) => ({
    key: KINDS[one.kind] ?? one.kind,
    value: `${formatCountOf(one.count, 'object')}, ${formatBytes(one.bytes)}`,
  }));
  const facts =
    manifest === null
      ? []
      : [
          { key: 'State of', value: <Moment atMs={manifest.captureMs} clock={clock} /> },
          { key: 'Signed manifest received', value: <Moment atMs={manifest.receivedMs} clock={clock} /> },
          { key: 'Packs that it needs', value: formatCount(manifest.packs) },
          {
            key: 'New content',
            value: `${formatCountOf(manifest.addedBlobs, 'piece')}, ${formatBytes(manifest.addedBytes)} before compression`,
          },
          ...changeFacts(manifest.changes),
          { key: 'Witness hashes', value: `of ${formatCountOf(manifest.witnessFiles, 'file')}, for restore drills` },
          {
            key: 'Compared with',
            value:
              manifest.parentSnapshotId === null ? (
                'nothing: a first backup'
              ) : (
                <Mono text={manifest.parentSnapshotId} />
              ),
          },
        ];
  const snapshot = run.snapshotId === null ? [] : [{ key: 'Snapshot', value: <Mono text={run.snapshotId} /> }];
  const items = [...facts, ...stored, ...snapshot];
  return (
    <Panel title="What was handed over">
      {items.length === 0 ? (
        <p className="hf-quiet">Nothing yet. The agent signs a manifest of every object when it has sent them all.</p>
      ) : (
        <KeyValues items={items} />
      )}
    </Panel>
  );
}

/** Dumps of databases are left out of these. */
function changeFacts(changes: NonNullable<RunDetailView['manifest']>['changes']): { key: string; value: string }[] {
  if (changes === null) return [];
  const { files, readBytes, newBytes, entropy } = changes;
  return [
    ...(files === null
      ? []
      : [
          {
            key: 'Files',
            value: `${formatCount(files.changed)} changed, ${formatCount(files.gone)} gone, of ${formatCount(files.former)} before`,
          },
        ]),
    { key: 'Read of files', value: `${formatBytes(readBytes)}, of it ${formatBytes(newBytes)} new` },
    ...(entropy === null ? [] : [{ key: 'Randomness', value: `${GROWTH_WORDS.entropy.format(entropy.bits)} a byte` }]),
  ];
}

function Mono({ text }: { text: string }): ReactNode {
  return (
    <span className="hf-mono" title={text}>
      {text.slice(0, 12)}…
    </span>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  vanished: 'was gone when it was read',
  permission_denied: 'the agent may not read it',
  read_error: 'the disk refused to read it',
  changed_while_reading: 'changed while it was read',
  unsupported_type: 'is of a kind that cannot be kept',
};

function UnreadPanel({ view }: { view: RunDetailView }): ReactNode {
  const columns: Column<RunDetailView['unread'][number]>[] = [
    { key: 'path', header: 'File', cell: (item) => <span className="hf-mono">{item.path}</span> },
    {
      key: 'why',
      header: 'Why',
      cell: (item) => <span title={item.message}>{REASONS[item.reason] ?? item.reason}</span>,
    },
    { key: 'size', header: 'Size', align: 'end', cell: (item) => formatBytes(item.bytes) },
  ];
  const left = view.run.unreadCount - view.unread.length;
  return (
    <Panel
      title="Not read"
      note={
        left > 0 ? `the first ${formatCount(view.unread.length)} of ${formatCount(view.run.unreadCount)}` : undefined
      }
      isFlush
    >
      <DataTable
        label="Files that could not be read"
        columns={columns}
        rows={view.unread}
        rowKey={(item) => item.path}
      />
    </Panel>
  );
}
