import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatCountOf } from '../../core/domain/format.ts';
import type { CoverageFigures } from '../../core/domain/sla/data-coverage.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import { MetricTile } from './metric-tile.tsx';

/** How much of what lies on the machines is backed up. `href`: machine by machine. */
export function CoverageTiles({ figures, href }: { figures: CoverageFigures; href?: string }): ReactNode {
  const { data, databases, devices } = figures;
  const link = href === undefined ? {} : { href };
  return (
    <>
      <MetricTile
        name="Data that is backed up"
        value={data.measured === 0 ? 'Not measured' : data.share === null ? '–' : percentText(data.share)}
        note={dataWords(figures)}
        {...link}
      />
      <MetricTile
        name="Database servers that are backed up"
        value={
          databases.measured === 0
            ? 'Not measured'
            : databases.of === 0
              ? 'None found'
              : `${formatCount(databases.met)} of ${formatCount(databases.of)}`
        }
        note={`${databases.excluded === 0 ? '' : `${formatCount(databases.excluded)} left out on purpose; `}${measuredWords(databases.measured, devices)}`}
        {...link}
        {...(databases.unprotected > 0 ? { tone: 'warn' as const } : {})}
      />
    </>
  );
}

function dataWords({ data, devices }: CoverageFigures): string {
  const base = data.measured === 0 ? '' : `${formatBytes(data.met)} of ${formatBytes(data.of)} on fixed volumes`;
  const excluded = data.excludedBytes === 0 ? '' : `, ${formatBytes(data.excludedBytes)} left out on purpose`;
  return `${base}${excluded}${base === '' ? '' : '; '}${measuredWords(data.measured, devices)}`;
}

/** "2 of 6 machines tell": the others are not measured. */
export function measuredWords(measured: number, devices: number): string {
  if (measured === devices) return `n = ${formatCountOf(devices, 'machine')}`;
  return `n = ${formatCount(measured)} of ${formatCountOf(devices, 'machine')}, the others are not measured`;
}
