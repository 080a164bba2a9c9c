import { IconFileCheck } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { type PointDetailView, type PointLoss, viewRestorePoint } from '../../../../server/restore-points/queries.ts';
import type { IdProps, SearchProps } from '../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { ActionButton } from '../../../_ui/action-button.client.tsx';
import { formatBytes, formatCount, formatCountOf, formatShort } from '../../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { RunDrillDialog } from '../../../_ui/run-drill-dialog.client.tsx';
import { LEVEL_WORDS, pointWord } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './restore-point-page.module.css';
import { FolderView } from './folder-view.tsx';
import { normalFolder } from './folder-path.ts';
import { PreparedDownloads } from './prepared-downloads.client.tsx';

export const metadata: Metadata = { title: 'Restore point' };

const query = z.object({ path: z.string().max(8192).catch('/') });

export default async function RestorePointPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const folder = normalFolder(query.parse(await searchParams).path);
  const view = await orNotFound(viewRestorePoint(services, scope, id));
  const { point, device } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.timeZone };
  const canBrowse = point.state === 'sealed' && view.custody === 'escrowed';
  return (
    <>
      <PageHeader
        crumbs={[
          isStaff ? { label: 'Fleet', href: '/fleet' } : { label: 'Home', href: '/home' },
          { label: device.name, href: `/devices/${device.id}` },
        ]}
        eyebrow={`State of ${formatShort(point.captureMs, view.timeZone)}`}
        badge={<StatusBadge state={pointWord(point.state, point.level)} size="lg" />}
        sentence={`${device.name} as it was on ${formatShort(point.captureMs, view.timeZone)}: ${formatCountOf(point.files, 'file')}, ${formatBytes(point.bytes)}.`}
        support={<PointProof view={view} clock={clock} />}
        actions={
          isStaff && point.state !== 'expired' && view.loss === null ? (
            <>
              {point.state === 'sealed' && view.agentTooOld === null && (
                <RunDrillDialog
                  of={{ restorePointId: point.id }}
                  deviceName={device.name}
                  isByMachine={view.custody === 'customer_held'}
                  label="Drill this point…"
                />
              )}
              <ActionButton
                path={`/api/restore-points/${point.id}/verification`}
                done="The integrity check is queued."
                icon={<IconFileCheck size={16} />}
              >
                Verify this point
              </ActionButton>
            </>
          ) : undefined
        }
      />
      <Refusal view={view} />
      {canBrowse && (
        <>
          <PreparedDownloads downloads={view.downloads} />
          <FolderView
            services={services}
            scope={scope}
            pointId={point.id}
            folder={folder}
            protectedPaths={view.protectedPaths}
            clock={clock}
          />
        </>
      )}
    </>
  );
}

function PointProof({ view, clock }: { view: PointDetailView; clock: PageClock }): ReactNode {
  const { point } = view;
  return (
    <>
      {point.verifiedMs === null ? (
        'Its stored bytes have not been checked since the seal.'
      ) : (
        <>
          Every stored byte was checked <Moment atMs={point.verifiedMs} clock={clock} />
          {point.drilledMs !== null && point.level !== null && point.level >= 3 && (
            <>
              , and a restore of it was tested <Moment atMs={point.drilledMs} clock={clock} /> (level {point.level}:{' '}
              {LEVEL_WORDS[point.level]})
            </>
          )}
          .
        </>
      )}{' '}
      <Link href={`/runs/${point.runId}`}>The backup that made it</Link>
    </>
  );
}

/** Why nothing can be taken from this point here, and what can be done instead. */
function Refusal({ view }: { view: PointDetailView }): ReactNode {
  const { point, device, loss, agentTooOld } = view;
  if (loss !== null) return <Loss view={view} loss={loss} />;
  if (point.state === 'quarantined') {
    return (
      <Notice tone="risk" title="This point is quarantined, so nothing is restored from it">
        {point.quarantineReason ?? 'Objects that it needs are damaged or missing.'} A restore from it could give back
        wrong files. Use <Link href={`/devices/${device.id}`}>another restore point</Link>; earlier ones are affected
        only where they say so. If the stored objects are found whole again, a new check releases it.
      </Notice>
    );
  }
  if (point.state === 'expired') {
    return (
      <Notice tone="calm" title="Retention has let this point go">
        Its content may be gone from the store. <Link href={`/devices/${device.id}`}>Choose a newer one</Link>.
      </Notice>
    );
  }
  if (view.custody === 'customer_held') {
    return (
      <Notice tone="calm" title="Only the customer can open this point">
        The key never left their hands, so nothing can be read here. Restore it on the machine with the agent.
        {agentTooOld !== null &&
          ` A restore test has to be made by the machine itself, and its agent (${agentTooOld.has}) cannot do that yet: update it to ${agentTooOld.needed} or newer.`}
      </Notice>
    );
  }
  return null;
}

/** What is missing for ever, and who has accepted that. */
function Loss({ view, loss }: { view: PointDetailView; loss: PointLoss }): ReactNode {
  const { files, filesTotal, objects } = loss;
  return (
    <Notice tone="risk" title="A part of this restore point is lost for good">
      <p>
        {formatCountOf(objects, 'stored object')} that it needs {objects === 1 ? 'is' : 'are'} damaged or gone, and no
        machine could send {objects === 1 ? 'it' : 'them'} again. {loss.byName ?? 'An owner'} accepted that on{' '}
        {formatShort(loss.acceptedMs, view.timeZone)}: “{loss.reason}” It stays locked away;{' '}
        <Link href={`/devices/${view.device.id}`}>use another restore point</Link>.
      </p>
      {files === null || filesTotal === 0 ? (
        <p>Which files are hit cannot be told here: what would name them is lost, or only the customer can read it.</p>
      ) : (
        <details>
          <summary>{formatCountOf(filesTotal, 'file')} of this machine’s backups lack something</summary>
          <ul className={classes.lost}>
            {files.map((path) => (
              <li key={path}>{path}</li>
            ))}
            {filesTotal > files.length && <li>and {formatCount(filesTotal - files.length)} more</li>}
          </ul>
        </details>
      )}
      <p>
        <a href={`/api/damages/${loss.damageId}/evidence`} download>
          Download the signed records
        </a>
      </p>
    </Notice>
  );
}
