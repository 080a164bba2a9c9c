import type { ReactNode } from 'react';
import type { DeviceSummary } from '../../server/fleet/view.ts';
import { type Column, DataTable } from './data-table.tsx';
import { DataAge, LastRun, Proof, StateCell } from './device-cells.tsx';
import { HistoryBar } from './history-bar.tsx';
import { Moment, type PageClock } from './moment.tsx';

/** Devices as rows: state, data age against the target, proof, last backup, 28 days, next. Each row leads to its device. */
export function DeviceTable({ devices, nowMs }: { devices: readonly DeviceSummary[]; nowMs: number }): ReactNode {
  const clockOf = (device: DeviceSummary): PageClock => ({ nowMs, timeZone: device.timeZone });
  const columns: Column<DeviceSummary>[] = [
    {
      key: 'device',
      header: 'Device',
      cell: (device) => device.name,
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
