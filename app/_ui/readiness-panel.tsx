import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatCountOf } from '../../core/domain/format.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import { READINESS_PARTS, type ReadinessPart } from '../../core/domain/sla/readiness.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';
import { Panel } from './panel.tsx';
import classes from './readiness-panel.module.css';
import { LAMP_WORDS, PART_WORDS } from '../../core/domain/sla/sla-words.ts';

/** Where the rows behind each part are; a part without them is not among the keys. */
export type FigureLinks = Readonly<Partial<Record<ReadinessPart, string>>>;

/** `month`: whose rows are shown. Staff have pages of integrity and devices, customers their own home. */
export function figureLinks(customerId: string, month: string, isStaff: boolean): FigureLinks {
  return {
    rpo: `/customers/${customerId}/sla/rows?month=${month}`,
    drills: isStaff ? `/customers/${customerId}/proof` : '/proof',
    ...(isStaff ? { integrity: '/integrity' } : {}),
    coverage: isStaff ? `/customers/${customerId}` : '/home',
  };
}

/** What each share was computed from; of what is not measured, nothing. */
function countsOf(
  { integrity, coverage }: Standing,
  figures: CustomerFigures | null,
): Readonly<Partial<Record<ReadinessPart, string>>> {
  return {
    ...(figures === null
      ? {}
      : {
          rpo: `n = ${formatCountOf(figures.sources, 'source')}`,
          drills: `${formatCount(figures.drilled.met)} of ${formatCountOf(figures.drilled.of, 'source')}`,
        }),
    integrity: `of ${formatBytes(integrity.storedBytes)}`,
    ...(coverage.isMeasured ? { coverage: `n = ${formatCountOf(coverage.of, 'machine')}` } : {}),
  };
}

/** One number, never without its parts; and the rule 3-2-1-1-0 as lamps, each with its reason. `figures`: of the same month. */
export function ReadinessPanel({
  standing,
  figures,
  links,
}: {
  standing: Standing;
  figures: CustomerFigures | null;
  links: FigureLinks;
}): ReactNode {
  const { readiness, lamps, coverage } = standing;
  const counts = countsOf(standing, figures);
  return (
    <Panel
      title="Ready to recover"
      note={`from ${readiness.measured} of ${READINESS_PARTS.length} parts; what is not measured is left out and said`}
    >
      <div className={classes.top}>
        <p className={classes.score}>
          <span className="hf-num">{readiness.score ?? '–'}</span>
          <span> of 100</span>
        </p>
        <dl className={classes.parts}>
          {READINESS_PARTS.map((part) => {
            const share = readiness.parts[part];
            return (
              <div key={part} data-state={share === null ? 'unknown' : share >= 1 ? 'full' : 'part'}>
                <dt>
                  {links[part] === undefined ? (
                    PART_WORDS[part]
                  ) : (
                    <Link href={links[part]} prefetch={false}>
                      {PART_WORDS[part]}
                    </Link>
                  )}
                  {share !== null && counts[part] !== undefined && (
                    <span className={classes.count}>{counts[part]}</span>
                  )}
                </dt>
                <dd>
                  <span className={classes.track} aria-hidden="true">
                    <span style={{ width: `${(share ?? 0) * 100}%` }} />
                  </span>
                  <span className="hf-num">{share === null ? 'not measured' : percentText(share)}</span>
                </dd>
              </div>
            );
          })}
        </dl>
      </div>
      <p className={classes.note}>
        {coverage.met} of {coverage.of} enrolled {coverage.of === 1 ? 'device has' : 'devices have'} data that is young
        enough. Which other machines there are is not known here, so coverage is not measured.
      </p>
      <h3 className={classes.rule}>The rule 3-2-1-1-0</h3>
      <ul className={classes.lamps}>
        {lamps.map((lamp) => (
          <li key={lamp.key} data-lit={lamp.isLit || undefined}>
            <span className={classes.lamp} aria-hidden="true">
              {lamp.number}
            </span>
            <span>
              <b>
                {lamp.number} {LAMP_WORDS[lamp.key]}: {lamp.isLit ? 'yes' : 'no'}
              </b>
              <span className={classes.reason}>{lamp.reason}</span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
