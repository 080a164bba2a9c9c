import type { ReactNode } from 'react';
import { formatCount, formatCountOf, formatElapsed } from '../../core/domain/format.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { RestoreFigures, WaitFigures } from '../../core/domain/sla/restore-service.ts';
import { MetricTile } from './metric-tile.tsx';

/** How restores that people asked for were served. `href`: the restores themselves. */
export function RestoreTiles({ figures, href }: { figures: RestoreFigures; href?: string }): ReactNode {
  const { firstByte, delivered, selfServed, atMachine, failed, abandoned } = figures;
  const link = href === undefined ? {} : { href };
  return (
    <>
      <MetricTile name="From request to delivered" value={waitValue(delivered)} note={waitNote(delivered)} {...link} />
      <MetricTile
        name="From request to the first byte"
        value={waitValue(firstByte)}
        note={waitNote(firstByte)}
        {...link}
      />
      <MetricTile
        name="Asked for by the customer"
        value={selfServed.share === null ? '–' : percentText(selfServed.share)}
        note={`${formatCount(selfServed.met)} of ${formatCountOf(selfServed.of, 'restore')}, without the provider${atMachine === 0 ? '' : `; ${formatCount(atMachine)} more at the machine itself`}`}
        {...link}
      />
      <MetricTile
        name="Restores that failed"
        value={failed.share === null ? '–' : percentText(failed.share)}
        note={`${formatCount(failed.met)} of ${formatCountOf(failed.of, 'restore')}${abandoned === 0 ? '' : `; of ${formatCount(abandoned)} nothing more was heard`}`}
        {...link}
        {...(failed.met > 0 ? { tone: 'warn' as const } : {})}
      />
    </>
  );
}

function waitValue({ p50Ms }: WaitFigures): string {
  return p50Ms === null ? '–' : formatElapsed(p50Ms);
}

function waitNote({ of, p95Ms }: WaitFigures): string {
  if (of === 1) return 'the only one that was delivered; n = 1';
  return p95Ms === null
    ? 'none was delivered'
    : `half of them took no longer; 19 of 20 at most ${formatElapsed(p95Ms)}; n = ${formatCount(of)}`;
}
