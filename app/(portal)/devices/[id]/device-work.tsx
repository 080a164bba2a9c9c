import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { formatBytes, formatCount, formatCountOf } from '../../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { runProgress } from '../../../_ui/run-progress.ts';
import classes from './device-work.module.css';

/** What is under way on this device: backup, check, drill, commands that wait. Nothing is shown when nothing is. */
export function DeviceWork({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  const items = [...runItems(view), ...checkItems(view), ...drillItems(view), ...commandItems(view, clock)];
  if (items.length === 0) return null;
  return (
    <div className={classes.work}>
      <Panel title="Under way">
        <div className={classes.items}>{items}</div>
      </Panel>
    </div>
  );
}

function runItems(view: DeviceView): ReactNode[] {
  return view.runs.flatMap((run) => {
    const progress = runProgress(run);
    if (progress === undefined) return [];
    return [
      <div key={run.id}>
        <ProgressLine label={`Backup: ${progress.label.toLowerCase()}`} share={progress.share} words={progress.words} />
        <Link href={`/runs/${run.id}`} className={classes.link}>
          Show the run
        </Link>
      </div>,
    ];
  });
}

function checkItems(view: DeviceView): ReactNode[] {
  return view.verifications
    .filter((one) => one.state === 'queued' || one.state === 'running')
    .map((one) => (
      <ProgressLine
        key={one.id}
        label="Integrity check: every stored byte is read again"
        share={one.bytesTotal === 0 ? null : one.bytesDone / one.bytesTotal}
        words={
          one.state === 'queued'
            ? 'waiting for a worker'
            : `${formatCount(one.objectsDone)} of ${formatCountOf(one.objectsTotal, 'object')}, ${formatBytes(one.bytesDone)} of ${formatBytes(one.bytesTotal)}`
        }
      />
    ));
}

function drillItems(view: DeviceView): ReactNode[] {
  return view.drills
    .filter((drill) => drill.state === 'queued' || drill.state === 'running')
    .map((drill) => (
      <div key={drill.id}>
        <ProgressLine
          label="Restore drill: a sample is restored and compared"
          share={drill.filesPlanned === 0 ? null : drill.filesDone / drill.filesPlanned}
          words={
            drill.state === 'queued'
              ? 'waiting for a worker'
              : `${formatCount(drill.filesDone)} of ${formatCountOf(drill.filesPlanned, 'file')}`
          }
        />
        <Link href={`/drills/${drill.id}`} className={classes.link}>
          Show the drill
        </Link>
      </div>
    ));
}

function commandItems(view: DeviceView, clock: PageClock): ReactNode[] {
  return view.commands
    .filter((command) => command.state === 'pending' || command.state === 'delivered')
    .map((command) => (
      <p key={command.id}>
        {command.kind === 'restore' ? 'A restore' : 'A backup'} was asked for{' '}
        <Moment atMs={command.createdMs} clock={clock} />
        {command.state === 'pending'
          ? '; the device hears of it with its next report.'
          : '; the device has received it and is at work.'}
      </p>
    ));
}
