import type { ReactNode } from 'react';
import type { DeviceSummary } from '../../server/fleet/view.ts';
import { type Column, DataTable } from './data-table.tsx';
import classes from './device-table.module.css';
import { formatDuration } from './format.ts';
import { HistoryBar } from './history-bar.tsx';
import { Moment, type PageClock } from './moment.tsx';
import { LEVEL_WORDS, PROTECTION_WORDS, RUN_WORDS, runWord } from './state-words.ts';
import { StatusBadge, StatusShape } from './status-badge.tsx';

/** Devices as rows: state, data age against the target, proof, last backup, 28 days, next. Each row leads to its device. */
export function DeviceTable({
  devices,
  nowMs,
  withCustomer = false,
}: {
  devices: readonly DeviceSummary[];
  nowMs: number;
  withCustomer?: boolean;
}): ReactNode {
  const clockOf = (device: DeviceSummary): PageClock => ({ nowMs, timeZone: device.timeZone });
  const columns: Column<DeviceSummary>[] = [
    {
      key: 'device',
      header: 'Device',
      cell: (device) => (
        <span className={classes.device}>
          <span>{device.name}</span>
          {withCustomer && <span className={classes.customer}>{device.customerName}</span>}
        </span>
      ),
    },
    { key: 'state', header: 'State', cell: (device) => <StateCell device={device} /> },
    { key: 'age', header: 'Data age', cell: (device) => <DataAge device={device} clock={clockOf(device)} /> },
    { key: 'proof', header: 'Last proof', cell: (device) => <Proof device={device} clock={clockOf(device)} /> },
    { key: 'last', header: 'Last backup', cell: (device) => <LastRun device={device} clock={clockOf(device)} /> },
    {
      key: 'next',
      header: 'Next expected',
      isWideOnly: true,
      cell: (device) => <Moment atMs={device.nextDueMs} clock={clockOf(device)} empty="none planned" />,
    },
    { key: 'days', header: '28 days', cell: (device) => <HistoryBar days={device.history} /> },
  ];
  return (
    <DataTable
      label="Devices, the most urgent first"
      columns={columns}
      rows={devices}
      rowKey={(device) => device.id}
      href={(device) => `/devices/${device.id}`}
    />
  );
}

function StateCell({ device }: { device: DeviceSummary }): ReactNode {
  return (
    <span className={classes.stack} title={device.protection.reason}>
      <StatusBadge state={PROTECTION_WORDS[device.protection.state]} />
    </span>
  );
}

function DataAge({ device, clock }: { device: DeviceSummary; clock: PageClock }): ReactNode {
  if (device.dataAtMs === null) return <span className="hf-quiet">no backup yet</span>;
  const share = (clock.nowMs - device.dataAtMs) / device.rpoMs;
  return (
    <span className={classes.stack}>
      <span data-over={share > 1 || undefined} className={classes.age}>
        <Moment atMs={device.dataAtMs} clock={clock} form="length" />
        <span className={classes.of}> of {formatDuration(device.rpoMs)}</span>
      </span>
      <span className={classes.track} data-over={share > 1 || undefined} aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
    </span>
  );
}

function Proof({ device, clock }: { device: DeviceSummary; clock: PageClock }): ReactNode {
  if (device.proofAtMs === null) return <span className="hf-quiet">never proven</span>;
  return (
    <span className={classes.stack}>
      <Moment atMs={device.proofAtMs} clock={clock} />
      {device.level !== null && (
        <span className={classes.small} title={LEVEL_WORDS[device.level]}>
          level {device.level}
        </span>
      )}
    </span>
  );
}

function LastRun({ device, clock }: { device: DeviceSummary; clock: PageClock }): ReactNode {
  if (device.lastRun === null) return <span className="hf-quiet">none yet</span>;
  const word = RUN_WORDS[runWord(device.lastRun.state, device.lastRun.outcome)];
  return (
    <span className={classes.stack}>
      <span className={classes.run} data-tone={word.tone} title={word.meaning}>
        <StatusShape shape={word.shape} size={14} />
        {word.word}
      </span>
      <span className={classes.small}>
        <Moment atMs={device.lastRun.finishedMs ?? device.lastRun.startedMs} clock={clock} />
      </span>
    </span>
  );
}
