import { IconShieldCheck } from '@tabler/icons-react';
import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import {
  CHECK_LEVELS,
  type CheckLevel,
  COVERAGE_DAYS,
  coverage,
  coveredFromMs,
} from '../../../core/domain/integrity.ts';
import { type IntegrityRow, type IntegrityView, viewIntegrity } from '../../../server/integrity/queries.ts';
import { staffScope } from '../../_server/session.ts';
import { CHECK_LEVEL_WORDS } from '../../_ui/check-words.ts';
import { type Column, DataTable } from '../../_ui/data-table.tsx';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatBytes, formatCount, formatCountOf } from '../../../core/domain/format.ts';
import { LiveRefresh } from '../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../_ui/metric-tile.tsx';
import { Moment, type PageClock } from '../../_ui/moment.tsx';
import { Notice } from '../../_ui/notice.tsx';
import { PageHeader } from '../../_ui/page-header.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { ProgressLine } from '../../_ui/progress-line.tsx';
import { DamagePanel } from './damage-panel.tsx';
import classes from './integrity-page.module.css';
import { coverageWords, integritySentence, paceWords, readTwiceTitle } from './integrity-words.ts';
import { LockedTable } from './locked-table.tsx';

export const metadata: Metadata = { title: 'Integrity' };

export default async function IntegrityPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const view = await viewIntegrity(services, scope);
  // Devices of many zones stand here side by side: one clock for all.
  const clock: PageClock = { nowMs: view.nowMs, timeZone: 'UTC' };
  const openDamages = view.damages.filter(({ endedMs }) => endedMs === null);
  return (
    <>
      <LiveRefresh isActive={view.underWay.length > 0 || openDamages.length > 0} />
      <PageHeader eyebrow="Integrity" sentence={integritySentence(view)} support={paceWords(view.pace)} />
      {view.levels[0].storedBytes === 0 ? (
        <Panel>
          <EmptyState
            icon={<IconShieldCheck size={24} />}
            title="Here you will see that stored bytes are what they were"
          >
            As soon as the first backup is sealed, it is listed each day, read again each month, and opened where the
            service holds a key.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <Coverage view={view} clock={clock} />
          <div className={classes.stack}>
            {view.unknown.map((one) => (
              <Notice
                key={one.deviceId}
                tone="warn"
                title={`${formatCountOf(one.objects, 'object')} in the store of ${one.deviceName} that nobody here has put there`}
              >
                {formatBytes(one.bytes)} that no backup brought (the first: <code>{one.keys[0]}</code>). Nothing
                restores from them and nothing was removed; look at who else can write to the storage.
              </Notice>
            ))}
            {view.readTwice.length > 0 && (
              <Notice tone="calm" title={readTwiceTitle(view.readTwice)}>
                In the last 30 days; nothing of it is damaged. A bit was wrong on the way, or in the memory of the
                machine that reads. If it goes on, look at its network and its memory.
              </Notice>
            )}
            {view.damages.map((damage) => (
              <DamagePanel key={damage.id} damage={damage} clock={clock} isOwner={scope.role === 'owner'} />
            ))}
            <LockedTable points={view.locked} total={view.lockedTotal} clock={clock} />
            <UnderWay view={view} />
            <Customers rows={view.customers} clock={clock} />
          </div>
        </>
      )}
    </>
  );
}

function Coverage({ view, clock }: { view: IntegrityView; clock: PageClock }): ReactNode {
  return (
    <MetricRow>
      {CHECK_LEVELS.map((level) => (
        <LevelTile key={level} level={level} view={view} clock={clock} />
      ))}
      <MetricTile
        name="Oldest unread byte"
        value={<Moment atMs={view.levels[1].oldestMs ?? null} clock={clock} form="length" empty="–" />}
        note="since it was last read whole, or stored; 30 days at most by the plan"
      />
    </MetricRow>
  );
}

function LevelTile({ level, view, clock }: { level: CheckLevel; view: IntegrityView; clock: PageClock }): ReactNode {
  const sums = view.levels[level];
  const share = coverage(sums);
  const words = CHECK_LEVEL_WORDS[level];
  // What is new has its time; only what had it and was not looked at is worth a warning.
  const isOverdue =
    sums.oldestMs !== undefined && sums.oldestMs < coveredFromMs({ days: COVERAGE_DAYS[level], nowMs: view.nowMs });
  const isUnderReach = level === 2 && view.sealedVaults > 0;
  return (
    <MetricTile
      name={`${words.name} within ${COVERAGE_DAYS[level]} days`}
      value={coverageWords(sums)}
      {...(share === undefined ? {} : { share })}
      {...(share === undefined ? {} : toneOf(share, isOverdue))}
      note={
        <>
          {words.means}. {formatBytes(sums.verifiedBytes)} of {formatBytes(sums.storedBytes)}
          {sums.oldestMs !== undefined && share !== 1 && (
            <>
              , the longest waiting <Moment atMs={sums.oldestMs} clock={clock} form="length" />
            </>
          )}
          .
          {isUnderReach &&
            ` ${formatCountOf(view.sealedVaults, 'vault')} of ${view.vaults} can be opened by the customer alone.`}
        </>
      }
    />
  );
}

function toneOf(share: number, isOverdue: boolean): { readonly tone?: 'good' | 'warn' } {
  if (share >= 1) return { tone: 'good' };
  return isOverdue ? { tone: 'warn' } : {};
}

function UnderWay({ view }: { view: IntegrityView }): ReactNode {
  if (view.underWay.length === 0) return null;
  return (
    <Panel title="Under way now">
      <div className={classes.underWay}>
        {view.underWay.map((one) => (
          <ProgressLine
            key={one.id}
            label={`${['Listing', 'Reading', 'Decryption'][one.level] ?? 'Check'} of ${one.deviceName}`}
            share={one.bytesTotal === 0 ? null : one.bytesDone / one.bytesTotal}
            words={
              one.isPaused
                ? 'waits for the backup under way'
                : one.isQueued
                  ? 'waits for its turn'
                  : `${formatBytes(one.bytesDone)} of ${formatBytes(one.bytesTotal)}`
            }
          />
        ))}
      </div>
    </Panel>
  );
}

function Customers({ rows, clock }: { rows: readonly IntegrityRow[]; clock: PageClock }): ReactNode {
  const columns: Column<IntegrityRow>[] = [
    { key: 'customer', header: 'Customer', cell: (row) => row.customerName },
    { key: 'devices', header: 'Devices', align: 'end', cell: (row) => formatCount(row.devices) },
    { key: 'stored', header: 'Stored', align: 'end', cell: (row) => formatBytes(row.levels[0].storedBytes) },
    ...CHECK_LEVELS.map(
      (level): Column<IntegrityRow> => ({
        key: `level-${level}`,
        header: CHECK_LEVEL_WORDS[level].name,
        align: 'end',
        cell: (row) => (coverage(row.levels[level]) === undefined ? '–' : coverageWords(row.levels[level])),
      }),
    ),
    {
      key: 'oldest',
      header: 'Oldest unread byte',
      align: 'end',
      cell: (row) => <Moment atMs={row.levels[1].oldestMs ?? null} clock={clock} form="length" empty="–" />,
    },
    { key: 'locked', header: 'Locked away', align: 'end', cell: (row) => formatCount(row.locked) },
  ];
  return (
    <Panel
      title="By customer"
      note="Share of the stored bytes that passed within the days above. A dash: only the customer has the key."
      isFlush
    >
      <DataTable
        label="Integrity by customer"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.customerId}
        href={(row) => `/customers/${row.customerId}`}
      />
    </Panel>
  );
}
