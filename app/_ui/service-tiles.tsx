import type { ReactNode } from 'react';
import { formatCount, formatCountOf, formatDuration } from '../../core/domain/format.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { ServiceFigures } from '../../core/domain/sla/standing.ts';
import { MetricTile } from './metric-tile.tsx';

/** What the service itself did: was somebody told, how soon, and was the light right? `href`: the rows of it. */
export function ServiceTiles({ service, href }: { service: ServiceFigures; href?: string }): ReactNode {
  const { silentMs, breaches, undetected, latencyMs, falseGreen } = service;
  const link = href === undefined ? {} : { href };
  return (
    <>
      <MetricTile
        name="Nobody was told"
        value={silentMs === 0 ? 'Never' : formatDuration(silentMs)}
        note="data was too old and no alert was open; the goal is none"
        {...link}
        {...(silentMs > 0 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile
        name="Breaches without an alert"
        value={`${formatCount(undetected)} of ${formatCount(breaches)}`}
        note="none was open before they ended"
        {...link}
      />
      <MetricTile
        name="Until somebody was told"
        value={latencyMs === null ? '–' : latencyMs === 0 ? 'At once' : formatDuration(latencyMs)}
        note={
          breaches === undetected
            ? 'no breach had an alert'
            : `or sooner, in nineteen of twenty breaches; ${formatCountOf(breaches - undetected, 'breach', 'breaches')} had an alert`
        }
        {...link}
      />
      <MetricTile
        name="Wrongly green"
        value={`${formatCount(falseGreen.met)} of ${formatCount(falseGreen.of)}`}
        note={`restore tests that failed under a green light${falseGreen.share === null ? '' : `, ${percentText(falseGreen.share)}`}`}
        {...link}
        {...(falseGreen.met > 0 ? { tone: 'risk' as const } : {})}
      />
    </>
  );
}
