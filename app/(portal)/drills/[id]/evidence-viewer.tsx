import { IconDownload } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { EvidenceKind } from '../../../../core/evidence/record.ts';
import type { DrillEvidenceView } from '../../../../server/evidence/queries.ts';
import { type PageClock, ShortTime } from '../../../_ui/moment.tsx';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import type { StateWord } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './drill-page.module.css';
import { recordFacts } from './record-facts.ts';

const KIND_WORDS: Readonly<Record<EvidenceKind, string>> = {
  drill: 'The verdict',
  drill_approved: 'Accepted by a person',
  drill_remediated: 'What was done about it',
  drill_voided: 'The verdict was withdrawn',
  damage_found: 'Damage was found',
  damage_repaired: 'Damage was repaired',
  damage_lost: 'Damage could not be repaired',
  loss_accepted: 'A loss was accepted',
};

const SIGNED: StateWord = {
  word: 'Signature checked',
  tone: 'good',
  shape: 'check',
  meaning: 'Signed with the provider’s key, and unchanged since. Checked when this page was made.',
};
const ALTERED: StateWord = {
  word: 'Signature does not fit',
  tone: 'risk',
  shape: 'cross',
  meaning: 'The text is not the one that was signed: somebody has changed the database.',
};

/** The signed records of one drill as they are kept, with the file to take away and the page that checks it. */
export function EvidenceViewer({
  drillId,
  evidence,
  clock,
}: {
  drillId: string;
  evidence: DrillEvidenceView;
  clock: PageClock;
}): ReactNode {
  if (evidence.records.length === 0) return null;
  return (
    <Panel
      id="evidence"
      title="Evidence"
      note="signed, and chained to all that was recorded before"
      actions={
        <span className={classes.download}>
          <Link href="/verify" target="_blank" prefetch={false}>
            Check a file offline
          </Link>
          <a href={`/api/drills/${drillId}/evidence`} download>
            <IconDownload size={16} aria-hidden="true" /> Download
          </a>
        </span>
      }
    >
      <ol className={classes.records}>
        {evidence.records.map((line) => (
          <li key={line.id}>
            <h3 className={classes.record}>
              {KIND_WORDS[line.kind]} <StatusBadge state={line.isSound ? SIGNED : ALTERED} size="sm" />
            </h3>
            <p className="hf-quiet">
              Record {line.sequence}, <ShortTime atMs={line.atMs} clock={clock} />,{' '}
              {line.isAnchored ? 'anchored in the object store.' : 'its daily anchor is still to come.'}
            </p>
            <KeyValues items={recordFacts(line.record, clock.timeZone)} />
            <details>
              <summary>The signed text</summary>
              {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard */}
              <pre className={classes.evidence} tabIndex={0} aria-label={`Record ${line.sequence} as JSON`}>
                {line.text}
              </pre>
            </details>
          </li>
        ))}
      </ol>
      <p className={classes.keys}>
        Signed by the key {evidence.keyIds.map((id) => id.slice(0, 16)).join(', ')}… The file can be checked by anybody,
        without an account: with the page above, or with <code>holdfast verify-evidence FILE</code>.
      </p>
    </Panel>
  );
}
