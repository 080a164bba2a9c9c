import type { ReactNode } from 'react';
import { DRILL_CHECK_KINDS, type DrillCheck } from '../../../../core/domain/drill-checks.ts';
import { formatElapsed } from '../../../../core/domain/format.ts';
import type { DrillPictureLine } from '../../../../server/drills/queries.ts';
import { Panel } from '../../../_ui/panel.tsx';
import { LOOK_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './drill-looks.module.css';

const ORDER: readonly DrillCheck['state'][] = ['failed', 'warning', 'passed', 'skipped'];

/** Every look that the drill took, what went wrong first; the output of the program behind it is folded. */
export function DrillLooks({
  drillId,
  checks,
  pictures,
}: {
  drillId: string;
  checks: readonly DrillCheck[];
  pictures: readonly DrillPictureLine[];
}): ReactNode {
  const sorted = [...checks].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || DRILL_CHECK_KINDS[a.kind] - DRILL_CHECK_KINDS[b.kind],
  );
  return (
    <Panel title="What was looked at" note={summary(checks)} isFlush>
      <ul className={classes.looks}>
        {sorted.map((check, at) => (
          <li key={`${at}-${check.name}`} className={classes.look}>
            <div className={classes.head}>
              <span className={classes.name}>{check.name}</span>
              <StatusBadge state={LOOK_WORDS[check.state]} size="sm" />
              <span className={classes.small}>
                level {DRILL_CHECK_KINDS[check.kind]}
                {check.state !== 'skipped' && `, ${formatElapsed(check.ms)}`}
              </span>
            </div>
            {check.subject !== '' && <span className={`${classes.small} hf-mono`}>{check.subject}</span>}
            {(check.expected !== null || check.actual !== null) && (
              <dl className={classes.pair} data-differs={check.state === 'failed' || undefined}>
                <div>
                  <dt>Expected</dt>
                  <dd>{check.expected ?? '–'}</dd>
                </div>
                <div>
                  <dt>Found</dt>
                  <dd>{check.actual ?? '–'}</dd>
                </div>
              </dl>
            )}
            <Screen drillId={drillId} check={check} picture={pictures.find(({ sha256 }) => sha256 === check.picture)} />
            {check.output !== '' && (
              <details className={classes.output} open={check.state === 'failed' || undefined}>
                <summary>{check.state === 'skipped' ? 'Why it was not looked at' : 'What the program said'}</summary>
                {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard */}
                <pre tabIndex={0} aria-label={`Output of: ${check.name}`}>
                  {check.output}
                </pre>
              </details>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** What the system's screen showed when the look ended, with the hash by which the signed record names it. */
function Screen({
  drillId,
  check,
  picture,
}: {
  drillId: string;
  check: DrillCheck;
  picture: DrillPictureLine | undefined;
}): ReactNode {
  if (picture === undefined) return null;
  const { sha256, width, height } = picture;
  const alt = `The screen of the started system at the end of the look “${check.name}”: ${check.state === 'passed' ? 'it came up' : 'it did not come up'}. What it showed as text is below.`;
  return (
    <figure className={classes.screen}>
      <a href={`/api/drills/${drillId}/pictures/${sha256}`} target="_blank" rel="noreferrer">
        {/* A picture that only signed-in people may see: nothing of Next.js may keep a copy. */}
        {/* oxlint-disable-next-line nextjs/no-img-element -- see above */}
        <img src={`/api/drills/${drillId}/pictures/${sha256}`} alt={alt} width={width} height={height} />
      </a>
      <figcaption>
        The screen, as it was photographed. SHA-256 <span className="hf-mono">{sha256.slice(0, 16)}…</span> in the
        signed record.
      </figcaption>
    </figure>
  );
}

function summary(checks: readonly DrillCheck[]): string {
  return ORDER.flatMap((state) => {
    const count = checks.filter((check) => check.state === state).length;
    return count === 0 ? [] : `${count} ${LOOK_WORDS[state].word.toLowerCase()}`;
  }).join(', ');
}
