import { IconDatabase, IconFileCheck, IconFolderOpen, IconShieldCheck } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { PROOF_LEVEL } from '../../../../core/domain/protection.ts';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { checkName } from '../../../_ui/check-words.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatBytes, formatCount, formatElapsed } from '../../../../core/domain/format.ts';
import { Moment, type PageClock, ShortTime } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import {
  DRILL_WORDS,
  LEVEL_WORDS,
  pointWord,
  RUN_WORDS,
  runWord,
  VERIFICATION_WORDS,
} from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';

interface ListProps {
  readonly view: DeviceView;
  readonly clock: PageClock;
}

export function PointTable({ view, clock }: ListProps): ReactNode {
  const columns: Column<DeviceView['points'][number]>[] = [
    { key: 'at', header: 'State of', cell: (point) => <ShortTime atMs={point.captureMs} clock={clock} /> },
    {
      key: 'state',
      header: 'State',
      cell: (point) => <StatusBadge state={pointWord(point.state, point.level)} size="sm" />,
    },
    { key: 'level', header: 'Level reached', cell: (point) => <PointLevel point={point} clock={clock} /> },
    {
      key: 'checked',
      header: 'Bytes checked',
      cell: (point) => <Moment atMs={point.verifiedMs} clock={clock} empty="not yet" />,
    },
    { key: 'files', header: 'Files', align: 'end', cell: (point) => formatCount(point.files) },
    { key: 'size', header: 'Size', align: 'end', cell: (point) => formatBytes(point.bytes) },
    {
      key: 'open',
      header: '',
      align: 'end',
      cell: (point) => (
        <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center', color: 'var(--hf-accent)' }}>
          <IconFolderOpen size={16} aria-hidden="true" />
          {point.state === 'sealed' ? 'Browse' : 'Details'}
        </span>
      ),
    },
  ];
  return (
    <Panel isFlush>
      {view.points.length === 0 ? (
        <EmptyState icon={<IconDatabase size={24} />} title="No restore point yet">
          The first appears when a backup has arrived and the server has checked every object of it.
        </EmptyState>
      ) : (
        <DataTable
          label="Restore points, the newest first"
          columns={columns}
          rows={view.points}
          rowKey={(point) => point.id}
          href={(point) => `/restore-points/${point.id}`}
        />
      )}
    </Panel>
  );
}

/** How deep this very point was tested, and how long ago. */
function PointLevel({ point, clock }: { point: DeviceView['points'][number]; clock: PageClock }): ReactNode {
  if (point.level === null || point.level === 0) return <span className="hf-quiet">none yet</span>;
  const isTested = point.level >= PROOF_LEVEL;
  return (
    <StatusBadge
      size="sm"
      state={{
        word: `Level ${point.level}`,
        // Green is for a restore that was tested, of a point that still counts.
        tone: !isTested || point.state !== 'sealed' ? 'calm' : 'good',
        shape: isTested ? 'shield-filled' : 'check',
        meaning: LEVEL_WORDS[point.level] ?? '',
      }}
      note={<Moment atMs={isTested ? point.drilledMs : point.verifiedMs} clock={clock} empty="" />}
    />
  );
}

export function RunTable({ view, clock }: ListProps): ReactNode {
  const columns: Column<DeviceView['runs'][number]>[] = [
    { key: 'at', header: 'Began', cell: (run) => <ShortTime atMs={run.startedMs} clock={clock} /> },
    {
      key: 'result',
      header: 'Result',
      cell: (run) => <StatusBadge state={RUN_WORDS[runWord(run.state, run.outcome)]} size="sm" />,
    },
    { key: 'why', header: 'Because of', isWideOnly: true, cell: (run) => TRIGGER_WORDS[run.trigger] ?? run.trigger },
    {
      key: 'took',
      header: 'Took',
      align: 'end',
      cell: (run) => formatElapsed((run.finishedMs ?? run.lastProgressMs) - run.startedMs),
    },
    { key: 'files', header: 'Files', align: 'end', cell: (run) => formatCount(run.selectedFiles) },
    { key: 'read', header: 'Read', align: 'end', cell: (run) => formatBytes(run.selectedBytes) },
    { key: 'stored', header: 'New in store', align: 'end', cell: (run) => formatBytes(run.storedBytes) },
    { key: 'unread', header: 'Unread', align: 'end', cell: (run) => formatCount(run.unreadCount) },
  ];
  return (
    <Panel isFlush>
      {view.runs.length === 0 ? (
        <EmptyState icon={<IconDatabase size={24} />} title="No backup has begun yet">
          The agent begins by itself when the next backup is due.
        </EmptyState>
      ) : (
        <DataTable
          label="Backup runs, the newest first"
          columns={columns}
          rows={view.runs}
          rowKey={(run) => run.id}
          href={(run) => `/runs/${run.id}`}
        />
      )}
    </Panel>
  );
}

const TRIGGER_WORDS: Readonly<Record<string, string>> = {
  schedule: 'schedule',
  command: 'asked for here',
  manual: 'started on the machine',
  after_seal: 'new restore point',
};

export function DrillTable({ view, clock }: ListProps): ReactNode {
  const columns: Column<DeviceView['drills'][number]>[] = [
    { key: 'at', header: 'Asked', cell: (drill) => <ShortTime atMs={drill.createdMs} clock={clock} /> },
    { key: 'result', header: 'Result', cell: (drill) => <StatusBadge state={DRILL_WORDS[drill.state]} size="sm" /> },
    {
      key: 'level',
      header: 'Level',
      isWideOnly: true,
      cell: (drill) => `${drill.level}: ${LEVEL_WORDS[drill.level] ?? ''}`,
    },
    {
      key: 'matched',
      header: 'Files matched',
      align: 'end',
      cell: (drill) => `${formatCount(drill.filesMatched)} of ${formatCount(drill.filesPlanned)}`,
    },
    { key: 'bytes', header: 'Restored', align: 'end', cell: (drill) => formatBytes(drill.bytesDone) },
    {
      key: 'took',
      header: 'Took',
      align: 'end',
      cell: (drill) =>
        drill.startedMs === null || drill.finishedMs === null ? '–' : formatElapsed(drill.finishedMs - drill.startedMs),
    },
  ];
  return (
    <Panel isFlush>
      {view.drills.length === 0 ? (
        <EmptyState icon={<IconShieldCheck size={24} />} title="No restore has been tested yet">
          A drill restores a sample of the newest restore point in a sandbox and compares it with what the agent saw
          when it read the files. The first one runs as soon as the first backup is verified.
        </EmptyState>
      ) : (
        <DataTable
          label="Restore drills, the newest first"
          columns={columns}
          rows={view.drills}
          rowKey={(drill) => drill.id}
          href={(drill) => `/drills/${drill.id}`}
        />
      )}
    </Panel>
  );
}

export function VerificationTable({ view, clock }: ListProps): ReactNode {
  const columns: Column<DeviceView['verifications'][number]>[] = [
    { key: 'at', header: 'Asked', cell: (one) => <ShortTime atMs={one.createdMs} clock={clock} /> },
    { key: 'what', header: 'Check', cell: (one) => checkName(one) },
    {
      key: 'result',
      header: 'Result',
      cell: (one) =>
        one.pausedMs === null ? (
          <StatusBadge state={VERIFICATION_WORDS[one.state]} size="sm" />
        ) : (
          'waits for the backup under way'
        ),
    },
    {
      key: 'objects',
      header: 'Objects',
      align: 'end',
      cell: (one) => `${formatCount(one.objectsDone)} of ${formatCount(one.objectsTotal)}`,
    },
    { key: 'bytes', header: 'Bytes', align: 'end', cell: (one) => formatBytes(one.bytesDone) },
    {
      key: 'took',
      header: 'Took',
      align: 'end',
      cell: (one) =>
        one.startedMs === null || one.finishedMs === null ? '–' : formatElapsed(one.finishedMs - one.startedMs),
    },
    {
      key: 'found',
      header: 'Found',
      align: 'end',
      cell: (one) =>
        one.findings.length === 0 ? (
          (one.errorMessage ?? 'nothing wrong')
        ) : (
          <span title={one.findings.map((finding) => `${finding.key}: ${finding.problem}`).join('\n')}>
            {formatCount(one.findings.length)} damaged or missing
          </span>
        ),
    },
    {
      key: 'point',
      header: '',
      align: 'end',
      isWideOnly: true,
      cell: (one) =>
        one.restorePointId === null ? null : <Link href={`/restore-points/${one.restorePointId}`}>Restore point</Link>,
    },
  ];
  return (
    <Panel isFlush>
      {view.verifications.length === 0 ? (
        <EmptyState icon={<IconFileCheck size={24} />} title="No stored byte has been checked yet">
          After each backup every object that it needs is read again and compared with its name.
        </EmptyState>
      ) : (
        <DataTable
          label="Integrity checks, the newest first"
          columns={columns}
          rows={view.verifications}
          rowKey={(one) => one.id}
        />
      )}
    </Panel>
  );
}
