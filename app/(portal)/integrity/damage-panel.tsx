import { IconDownload } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DamageLine } from '../../../server/integrity/queries.ts';
import { formatCount, formatCountOf, formatShort } from '../../../core/domain/format.ts';
import { type PageClock, ShortTime } from '../../_ui/moment.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { PhaseSteps } from '../../_ui/phase-steps.tsx';
import { WordsDialog } from '../../_ui/words-dialog.client.tsx';
import classes from './damage-panel.module.css';
import { damageStateWords, damageSteps, problemWords } from './integrity-words.ts';

const FILES_SHOWN = 8;
const OBJECTS_SHOWN = 5;

/** One damage: what it hits, and how far its repair is. */
export function DamagePanel({
  damage,
  clock,
  isOwner,
}: {
  damage: DamageLine;
  clock: PageClock;
  isOwner: boolean;
}): ReactNode {
  const { impact, objects, objectsTotal, accepted } = damage;
  return (
    <Panel
      id={`damage-${damage.id}`}
      title={`${damage.endedMs === null && !damage.isAcceptable ? 'Repair under way' : damageStateWords(damage)}: ${damage.deviceName}`}
      note={
        <>
          {damage.customerName}, found <ShortTime atMs={damage.foundMs} clock={clock} />. {damageStateWords(damage)}.{' '}
          <Link href={`/devices/${damage.deviceId}?tab=checks`} className={classes.inText}>
            Its checks
          </Link>
        </>
      }
      actions={
        <a href={`/api/damages/${damage.id}/evidence`} download className={classes.download}>
          <IconDownload size={16} aria-hidden="true" /> Signed records
        </a>
      }
    >
      <div className={classes.columns}>
        <PhaseSteps
          label="Steps of the repair"
          steps={damageSteps(damage, (atMs) => formatShort(atMs, clock.timeZone))}
        />
        <div className={classes.facts}>
          <h3 className={classes.name}>{formatCountOf(objectsTotal, 'stored object')}</h3>
          <ul className={classes.list}>
            {objects.slice(0, OBJECTS_SHOWN).map(({ key, problem }) => (
              <li key={key}>
                <code>{key}</code> <span className="hf-quiet">{problemWords(problem)}</span>
              </li>
            ))}
            {objectsTotal > OBJECTS_SHOWN && (
              <li className="hf-quiet">and {formatCount(objectsTotal - OBJECTS_SHOWN)} more</li>
            )}
          </ul>
          {impact !== null && impact.filesTotal > 0 && (
            <>
              <h3 className={classes.name}>
                {formatCountOf(impact.filesTotal, 'file')}
                {damage.state === 'lost' ? ' lost' : ''} in {formatCountOf(impact.snapshotsTotal, 'restore point')}
              </h3>
              <ul className={classes.list}>
                {impact.files.slice(0, FILES_SHOWN).map(({ path }) => (
                  <li key={path}>{path}</li>
                ))}
                {impact.filesTotal > FILES_SHOWN && (
                  <li className="hf-quiet">and {formatCount(impact.filesTotal - FILES_SHOWN)} more</li>
                )}
              </ul>
            </>
          )}
          {accepted !== null && (
            <>
              <h3 className={classes.name}>The loss was accepted</h3>
              <p className={classes.words}>
                “{accepted.reason}” {accepted.byName ?? 'An owner'}, <ShortTime atMs={accepted.atMs} clock={clock} />
              </p>
            </>
          )}
          {damage.isAcceptable && <Acceptance damage={damage} isOwner={isOwner} />}
        </div>
      </div>
    </Panel>
  );
}

/** Nothing can mend it: what follows when an owner says so, before it is said. */
function Acceptance({ damage, isOwner }: { damage: DamageLine; isOwner: boolean }): ReactNode {
  const isWaiting = damage.endedMs === null && damage.state === 'repairing';
  if (!isOwner)
    return (
      <p className="hf-quiet">
        {isWaiting ? 'Nobody sends this again.' : 'Nothing can bring this back.'} An owner of your account has to accept
        the loss.
      </p>
    );
  return (
    <WordsDialog
      isSigned
      path={`/api/damages/${damage.id}/acceptance`}
      button="Accept the loss…"
      title={`Accept what ${damage.deviceName} has lost`}
      explains={
        <>
          {isWaiting && 'Once it is accepted, the machine is no longer asked for this data. '}Nothing is hidden by it.
          The restore points that need this data stay locked away for good and say what they lack; your name and reason
          become part of the customer’s evidence. The device turns green again when a newer restore point has passed a
          restore test. This cannot be undone.
        </>
      }
      label="Why, and what the customer was told"
      submit="Accept the loss"
      done="The loss is accepted. The next restore test decides about the light."
      color="red.9"
    />
  );
}
