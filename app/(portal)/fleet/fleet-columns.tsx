/** How each column of the list is called, what it sorts by, how wide it is, and what its cells say. */
import Link from 'next/link';
import type { ReactNode } from 'react';
import { isOwnName, ownKey } from '../../../core/domain/fleet-filter/own-fields.ts';
import type { AnyColumn, FleetColumn } from '../../../core/domain/fleet-filter/columns.ts';
import type { DayRule } from '../../../core/domain/fleet-filter/day-rule.ts';
import type { SortName } from '../../../core/domain/fleet-filter/fields.ts';
import type { FleetRow, OwnField } from '../../../server/fleet/view.ts';
import { DataAge, LastRun, Proof, StateCell } from '../../_ui/device-cells.tsx';
import { formatBytes, formatDuration } from '../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../_ui/moment.tsx';
import { OccurrenceBar } from '../../_ui/occurrence-bar.client.tsx';
import { LEVEL_WORDS } from '../../_ui/state-words.ts';
import classes from './fleet-table.module.css';

export interface FleetColumnLook {
  readonly header: string;
  readonly sort: SortName | null;
  /** Pixels at least. */
  readonly width: number;
  readonly cell: (row: FleetRow, clock: PageClock, dayRule: DayRule) => ReactNode;
}

const quiet = (text: string): ReactNode => <span className="hf-quiet">{text}</span>;

export const COLUMN_LOOKS: Readonly<Record<FleetColumn, FleetColumnLook>> = {
  status: { header: 'Status', sort: 'status', width: 122, cell: (row) => <StateCell device={row} /> },
  customer: { header: 'Customer', sort: 'customer', width: 170, cell: ({ customerName }) => customerName },
  rpo: { header: 'Data age', sort: 'rpo', width: 132, cell: (row, clock) => <DataAge device={row} clock={clock} /> },
  proof: {
    header: 'Last proof',
    sort: 'proof',
    width: 128,
    cell: (row, clock) => <Proof device={{ ...row, level: null }} clock={clock} />,
  },
  level: {
    header: 'Level',
    sort: 'level',
    width: 60,
    cell: ({ level }) => (level === null ? quiet('none') : <span title={LEVEL_WORDS[level]}>{level}</span>),
  },
  rto: {
    header: 'Restore time',
    sort: 'rto',
    width: 108,
    cell: ({ rtoMs, isRtoEstimated }) =>
      rtoMs === null ? (
        quiet('unproven')
      ) : (
        <span
          title={
            isRtoEstimated
              ? 'Estimated for all of the data, from the last tested sample'
              : 'Measured when all of the data was restored'
          }
        >
          {isRtoEstimated && '≈ '}
          {formatDuration(rtoMs)}
        </span>
      ),
  },
  last: {
    header: 'Last backup',
    sort: 'ran',
    width: 128,
    cell: (row, clock) => <LastRun device={row} clock={clock} />,
  },
  history: {
    header: '28 days',
    sort: null,
    width: 248,
    cell: (row, _, dayRule) => (
      <OccurrenceBar bar={row.bar} name={row.name} timeZone={row.timeZone} dayRule={dayRule} />
    ),
  },
  next: {
    header: 'Next expected',
    sort: 'next',
    width: 116,
    cell: ({ nextDueMs }, clock) => <Moment atMs={nextDueMs} clock={clock} empty="none planned" />,
  },
  alert: {
    header: 'Alert',
    sort: 'alerts',
    width: 142,
    cell: ({ id, alertTitle, openAlerts }) =>
      alertTitle === null ? (
        quiet('none')
      ) : (
        <Link href={`/devices/${id}`} prefetch={false} className={classes.alert} title={alertTitle}>
          {alertTitle}
          {openAlerts > 1 && ` and ${openAlerts - 1} more`}
        </Link>
      ),
  },
  owner: {
    header: 'Owner',
    sort: null,
    width: 120,
    cell: ({ owners, openAlerts }) => (owners.length > 0 ? owners.join(', ') : quiet(openAlerts > 0 ? 'nobody' : '–')),
  },
  size: {
    header: 'Protected',
    sort: 'size',
    width: 96,
    cell: ({ sizeBytes }) => (sizeBytes === null ? quiet('nothing') : formatBytes(sizeBytes)),
  },
  added: {
    header: 'Stored last',
    sort: 'added',
    width: 100,
    cell: ({ addedBytes }) => (addedBytes === null ? quiet('nothing') : formatBytes(addedBytes)),
  },
  policy: { header: 'Policy', sort: 'policy', width: 120, cell: ({ policyName }) => policyName },
  note: {
    header: 'Note',
    sort: null,
    width: 190,
    cell: ({ note }) =>
      note === null ? (
        quiet('none')
      ) : (
        <span title={note} className={classes.note}>
          {note}
        </span>
      ),
  },
  tags: {
    header: 'Tags',
    sort: null,
    width: 140,
    cell: ({ tags }) =>
      tags.length === 0 ? (
        quiet('none')
      ) : (
        <span className={classes.tags}>
          {tags.map((tag) => (
            <span key={tag} className={classes.tag}>
              {tag}
            </span>
          ))}
        </span>
      ),
  },
  agent: { header: 'Agent', sort: 'agent', width: 80, cell: ({ agentVersion }) => agentVersion },
  os: { header: 'System', sort: null, width: 86, cell: ({ os }) => os },
  seen: {
    header: 'Last seen',
    sort: 'seen',
    width: 110,
    cell: ({ lastSeenMs }, clock) => <Moment atMs={lastSeenMs} clock={clock} />,
  },
};

/** Undefined for a column of the provider's own that was removed since the address was written. */
export function lookOf(column: AnyColumn, own: readonly OwnField[]): FleetColumnLook | undefined {
  if (!isOwnName(column)) return COLUMN_LOOKS[column];
  const field = own.find(({ key }) => key === ownKey(column));
  if (field === undefined) return undefined;
  return {
    header: field.label,
    sort: null,
    width: 126,
    cell: ({ own: values }) => {
      const value = values[field.key];
      if (value === undefined) return quiet('–');
      return <span className={classes.own}>{typeof value === 'number' ? value.toLocaleString('en') : value}</span>;
    },
  };
}
