import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatBytes } from '../../../../core/domain/format.ts';
import { percentText } from '../../../../core/domain/sla/percent-text.ts';
import type { DeviceCoverageLine } from '../../../../server/inventory/view-coverage.ts';
import { DataTable } from '../../../_ui/data-table.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { HELD_WORDS, type StateWord } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';

interface HeldRow {
  readonly key: string;
  readonly name: string;
  readonly size: string;
  readonly state: StateWord;
}

/** What the machine told of its volumes and database servers, and whether it is backed up. */
export function DeviceHeld({
  held,
  customerId,
  clock,
}: {
  held: DeviceCoverageLine;
  customerId: string;
  clock: PageClock;
}): ReactNode {
  const rows = rowsOf(held);
  return (
    <Panel
      title="What lies on this machine"
      note={
        <>
          {held.data?.share == null ? 'not measured' : `${percentText(held.data.share)} of the data is backed up`}; told{' '}
          <Moment atMs={held.receivedMs} clock={clock} empty="never" />
        </>
      }
      actions={
        <Link href={`/customers/${customerId}/inventory`} prefetch={false}>
          All machines, and decisions
        </Link>
      }
      isFlush={rows.length > 0}
    >
      {rows.length === 0 ? (
        <p>
          The machine has not told what it holds, or not for a week. Agents on Linux do so every few hours, from this
          version on; others cannot yet.
        </p>
      ) : (
        <DataTable
          label="What lies on this machine"
          columns={[
            { key: 'what', header: 'What', cell: ({ name }) => name },
            {
              key: 'size',
              header: 'Holds',
              align: 'end',
              cell: ({ size }) => <span className="hf-nowrap">{size}</span>,
            },
            { key: 'state', header: 'State', cell: ({ state }) => <StatusBadge state={state} /> },
          ]}
          rows={rows}
          rowKey={({ key }) => key}
        />
      )}
    </Panel>
  );
}

function rowsOf({ volumes, databases }: DeviceCoverageLine): HeldRow[] {
  const ofVolumes = (volumes ?? []).map(({ mountPoint, fileSystem, usedBytes, sizeBytes, state }): HeldRow => {
    const size =
      usedBytes === null || sizeBytes === null ? null : `${formatBytes(usedBytes)} of ${formatBytes(sizeBytes)}`;
    return {
      key: `volume ${mountPoint}`,
      name: `The volume ${mountPoint}, ${fileSystem}`,
      size: size ?? '–',
      state: HELD_WORDS[size === null ? 'unmeasured' : state],
    };
  });
  const ofDatabases = (databases ?? []).map(
    ({ key, name, state }): HeldRow => ({ key, name, size: '–', state: HELD_WORDS[state] }),
  );
  return [...ofVolumes, ...ofDatabases];
}
