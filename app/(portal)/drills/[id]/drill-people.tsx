import type { ReactNode } from 'react';
import type { DrillDetailView, DrillWord } from '../../../../server/drills/queries.ts';
import { RUNNER_WORDS } from '../../../_ui/drill-words.ts';
import { type KeyValue, KeyValues } from '../../../_ui/key-values.tsx';
import { type PageClock, ShortTime } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { WordsDialog } from '../../../_ui/words-dialog.client.tsx';
import classes from './drill-page.module.css';

/** Who performed the drill, who accepted it, what was done about it; and for staff the ways to say so. */
export function DrillPeople({
  view,
  clock,
  isStaff,
}: {
  view: DrillDetailView;
  clock: PageClock;
  isStaff: boolean;
}): ReactNode {
  const { drill, approved, remediation, voided } = view;
  const hasEnded = drill.state !== 'queued' && drill.state !== 'running';
  const items: KeyValue[] = [
    { key: 'Performed', value: RUNNER_WORDS[drill.runner] },
    { key: 'Asked for by', value: view.requestedByName ?? (drill.trigger === 'manual' ? 'a person' : 'the policy') },
    { key: 'Accepted', value: said(approved, clock, hasEnded ? 'by nobody yet' : 'when it has ended') },
    ...(drill.state === 'failed' || remediation !== null
      ? [{ key: 'What was done about it', value: said(remediation, clock, 'nothing was written down yet') }]
      : []),
    ...(voided === null ? [] : [{ key: 'Withdrawn', value: said(voided, clock, '') }]),
  ];
  return (
    <Panel title="People">
      <KeyValues items={items} />
      {isStaff && hasEnded && (
        <div className={classes.actions}>
          {approved === null && (
            <WordsDialog
              isSigned
              path={`/api/drills/${drill.id}/approval`}
              button="Accept…"
              title="Accept this drill"
              explains="You say that you have looked at this drill and accept its verdict. Your name and the time are kept with it."
              label="A remark, if there is one"
              submit="Accept"
              done="Accepted."
              isOptional
            />
          )}
          <WordsDialog
            isSigned
            path={`/api/drills/${drill.id}/remedy`}
            button="Write down a remedy…"
            title="What was done about it"
            explains="The customer reads this beside the drill, and so does an auditor."
            label="What was done"
            submit="Write it down"
            done="Written down."
          />
          {(drill.state === 'passed' || drill.state === 'failed') && (
            <WordsDialog
              isSigned
              path={`/api/drills/${drill.id}/withdrawal`}
              button="Withdraw…"
              title="Withdraw the verdict"
              explains={
                drill.state === 'passed'
                  ? 'The drill then counts neither as passed nor as failed, and its restore point falls back to what earlier tests have shown. This cannot be undone; another drill can be asked for.'
                  : 'The drill then counts neither as passed nor as failed. A restore point that was locked away because of it is released, unless something else speaks against it. This cannot be undone; another drill can be asked for.'
              }
              label="Why"
              submit="Withdraw the verdict"
              done="The verdict is withdrawn."
              color="red.9"
            />
          )}
        </div>
      )}
    </Panel>
  );
}

function said(word: DrillWord | null, clock: PageClock, none: string): ReactNode {
  if (word === null) return <span className="hf-quiet">{none}</span>;
  return (
    <>
      {word.words !== null && <span className={classes.words}>{word.words}</span>}
      <span className={word.words === null ? undefined : 'hf-quiet'}>
        {word.byName ?? 'somebody'}, <ShortTime atMs={word.atMs} clock={clock} />
      </span>
    </>
  );
}
