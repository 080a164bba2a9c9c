/** What single columns of a list of devices say; for every such list. */
import type { ReactNode } from 'react';
import type { DeviceSummary } from '../../server/fleet/view.ts';
import classes from './device-cells.module.css';
import { formatDuration } from '../../core/domain/format.ts';
import { Moment, type PageClock } from './moment.tsx';
import { LEVEL_WORDS, PROTECTION_WORDS, RUN_WORDS, runWord } from './state-words.ts';
import { StatusBadge, StatusShape } from './status-badge.tsx';

type Device = Omit<DeviceSummary, 'history'>;

export function StateCell({ device }: { device: Device }): ReactNode {
  return (
    <span className={classes.stack} title={device.protection.reason}>
      <StatusBadge state={PROTECTION_WORDS[device.protection.state]} />
    </span>
  );
}

export function DataAge({ device, clock }: { device: Device; clock: PageClock }): ReactNode {
  if (device.dataAtMs === null) return <span className="hf-quiet">no backup yet</span>;
  const share = (clock.nowMs - device.dataAtMs) / device.rpoMs;
  return (
    <span className={classes.stack}>
      <span data-over={share > 1 || undefined} className={classes.age}>
        <Moment atMs={device.dataAtMs} clock={clock} form="length" />
      </span>
      <span className={classes.target}>
        <span className={classes.track} data-over={share > 1 || undefined} aria-hidden="true">
          <span style={{ width: `${Math.min(100, share * 100)}%` }} />
        </span>
        of {formatDuration(device.rpoMs)}
      </span>
    </span>
  );
}

export function Proof({ device, clock }: { device: Device; clock: PageClock }): ReactNode {
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

export function LastRun({ device, clock }: { device: Device; clock: PageClock }): ReactNode {
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
