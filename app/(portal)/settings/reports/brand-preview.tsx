import type { ReactNode } from 'react';
import type { BrandTerms } from '../../../../core/domain/reports/brand.ts';
import classes from './brand.module.css';

/** The head and foot of a page in the chosen look, on paper that stays white in the dark. */
export function BrandPreview({ terms, logo }: { terms: BrandTerms; logo: string | null }): ReactNode {
  const { name, accent, footer } = terms;
  return (
    <figure className={classes.paper} aria-label="How a page looks">
      <div className={classes.strip} style={{ background: accent }} />
      <div className={classes.head}>
        {/* A data: address of a picture that was checked, or was just chosen: nothing that the image service could shrink. */}
        {/* oxlint-disable-next-line nextjs/no-img-element -- see above */}
        {logo === null ? <b>{name}</b> : <img src={logo} alt={name} className={classes.logo} />}
        <span>Service report</span>
      </div>
      <p className={classes.sentence}>Your data was recoverable within the target for all of the month.</p>
      <div className={classes.bar}>
        <div style={{ width: '92%', background: accent }} />
      </div>
      <div className={classes.foot}>
        <span>{footer === '' ? name : footer}</span>
        <span>1 of 3</span>
      </div>
    </figure>
  );
}
