import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatDuration, formatExact } from '../../core/domain/format.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';
import { KeyValues } from './key-values.tsx';
import { Panel } from './panel.tsx';
import type { FigureLinks } from './readiness-panel.tsx';

/** What was stored and proven at an instant, in words: figures that cannot be computed again later. */
export function StandingPanel({
  standing,
  timeZone,
  links,
}: {
  standing: Standing;
  timeZone: string;
  links: FigureLinks;
}): ReactNode {
  const { integrity, retention, evidence, verifiedAgeMs, proofAgeMs } = standing;
  const open = (path: string | undefined, text: string): ReactNode =>
    path === undefined ? (
      text
    ) : (
      <Link href={path} prefetch={false}>
        {text}
      </Link>
    );
  return (
    <Panel title="What is stored and proven" note={`as it stood on ${formatExact(standing.atMs, timeZone)}`}>
      <KeyValues
        items={[
          {
            key: 'If only proven data counted, the most that would be lost',
            value: open(
              links.drills,
              verifiedAgeMs === null
                ? 'everything on at least one device: nothing of it is proven'
                : formatDuration(verifiedAgeMs),
            ),
          },
          {
            key: 'Oldest proof of a device',
            value: open(
              links.drills,
              proofAgeMs === null ? 'at least one device has none' : `${formatDuration(proofAgeMs)} old`,
            ),
          },
          {
            key: 'Stored bytes read again in time',
            value: open(
              links.integrity,
              integrity.share === null
                ? 'nothing is stored'
                : `${percentText(integrity.share)} of ${formatBytes(integrity.storedBytes)}`,
            ),
          },
          {
            key: 'Longest that a stored byte was not read',
            value: open(
              links.integrity,
              integrity.oldestMs === null
                ? 'nothing is stored'
                : `${formatDuration(integrity.oldestMs)}${integrity.isInTime === false ? ', longer than the contract allows' : ''}`,
            ),
          },
          {
            key: 'Restore points that must exist and do',
            value: open(
              links.rpo,
              retention.share === null ? 'none must' : `${formatCount(retention.met)} of ${formatCount(retention.of)}`,
            ),
          },
          {
            key: 'For how long nobody can delete them',
            value: open(
              links.rpo,
              retention.horizonMs === null
                ? 'there are none'
                : retention.horizonMs === 0
                  ? 'not at all: the store does not lock them'
                  : formatDuration(retention.horizonMs),
            ),
          },
          {
            key: 'Restore tests with complete evidence',
            value: open(
              links.drills,
              evidence.share === null
                ? 'no test this month'
                : `${formatCount(evidence.met)} of ${formatCount(evidence.of)}`,
            ),
          },
        ]}
      />
    </Panel>
  );
}
