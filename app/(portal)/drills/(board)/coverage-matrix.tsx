import Link from 'next/link';
import { Fragment, type ReactNode } from 'react';
import type { CoverageCell } from '../../../../core/domain/drill-coverage.ts';
import type { SourceCoverage } from '../../../../server/drills/load-coverage.ts';
import { LEVEL_SENTENCES } from '../../../_ui/drill-words.ts';
import { formatDuration } from '../../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { RunDrillDialog } from '../../../_ui/run-drill-dialog.client.tsx';
import { COVERAGE_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './coverage-matrix.module.css';

/** Source by level by age: the newest test that reached each level, against what the policy asks for. */
export function CoverageMatrix({ rows, nowMs }: { rows: readonly SourceCoverage[]; nowMs: number }): ReactNode {
  const groups = new Map<string, SourceCoverage[]>();
  for (const row of rows) groups.set(row.customerId, [...(groups.get(row.customerId) ?? []), row]);
  return (
    <table className={classes.matrix}>
      <caption className="hf-visually-hidden">
        Restore tests by source and level: the age of the newest one that reached it
      </caption>
      <thead>
        <tr>
          <th scope="col">Source</th>
          {[3, 4, 5].map((level) => (
            <th key={level} scope="col" title={LEVEL_SENTENCES[level]?.means}>
              Level {level} <span className={classes.levelName}>{LEVEL_SENTENCES[level]?.name}</span>
            </th>
          ))}
          <th scope="col">
            <span className="hf-visually-hidden">Test now</span>
          </th>
        </tr>
      </thead>
      {[...groups].map(([customerId, sources]) => (
        <Fragment key={customerId}>
          <tbody className={classes.group}>
            <tr>
              <th colSpan={5} scope="rowgroup">
                <Link href={`/customers/${customerId}/proof`} prefetch={false}>
                  {sources[0]?.customerName}
                </Link>
              </th>
            </tr>
            {sources.map((source) => (
              <SourceRow key={source.sourceId} source={source} nowMs={nowMs} />
            ))}
          </tbody>
        </Fragment>
      ))}
    </table>
  );
}

function SourceRow({ source, nowMs }: { source: SourceCoverage; nowMs: number }): ReactNode {
  const clock = { nowMs, timeZone: source.timeZone };
  return (
    <tr className={classes.source}>
      <th scope="row">
        <Link href={`/devices/${source.deviceId}?tab=drills`} prefetch={false}>
          {source.deviceName}
        </Link>
        {source.sourceName !== source.deviceName && <span className={classes.small}>{source.sourceName}</span>}
      </th>
      {source.cells.map((cell) => (
        <td key={cell.level} data-label={`Level ${cell.level}`}>
          <Cell cell={cell} source={source} clock={clock} />
        </td>
      ))}
      <td className={classes.act}>
        {source.hasPoint && source.agentTooOld === null && (
          <RunDrillDialog
            of={{ deviceId: source.deviceId }}
            deviceName={source.deviceName}
            isByMachine={source.custody === 'customer_held'}
            isCompact
          />
        )}
        {source.custody === 'customer_held' && <span className={classes.small}>keys held by the customer</span>}
        {source.agentTooOld !== null && (
          <span className={classes.small}>
            needs agent {source.agentTooOld.needed}, has {source.agentTooOld.has}
          </span>
        )}
      </td>
    </tr>
  );
}

function Cell({ cell, source, clock }: { cell: CoverageCell; source: SourceCoverage; clock: PageClock }): ReactNode {
  if (cell.state === 'unasked') return <span className={classes.unasked}>not asked for</span>;
  if (cell.state === 'never' && !source.hasPoint) return <span className={classes.unasked}>no backup to test yet</span>;
  // What failed leads to the failure; everything else to the test that it speaks of.
  const event = cell.state === 'failed' ? cell.failed : cell.passed;
  const badge = <StatusBadge state={COVERAGE_WORDS[cell.state]} size="sm" />;
  return (
    <span className={classes.cell}>
      {event === null ? (
        badge
      ) : (
        <Link href={`/drills/${event.drillId}`} prefetch={false} className={classes.badge}>
          {badge}
        </Link>
      )}
      <span className={classes.small}>
        {event === null ? 'asked for' : <Moment atMs={event.endedMs} clock={clock} />}
        {cell.everyHours !== null && `, every ${formatDuration(cell.everyHours * 3_600_000)}`}
        {cell.state === 'failed' && cell.passed !== null && (
          <>
            <br />
            last proven <Moment atMs={cell.passed.endedMs} clock={clock} />
          </>
        )}
      </span>
    </span>
  );
}
