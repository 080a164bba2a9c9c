import { IconServer2 } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatCountOf } from '../../../../../core/domain/format.ts';
import { percentText } from '../../../../../core/domain/sla/percent-text.ts';
import { type CoverageView, viewCoverage } from '../../../../../server/inventory/view-coverage.ts';
import type { IdProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { ActionButton } from '../../../../_ui/action-button.client.tsx';
import { CoverageTiles } from '../../../../_ui/coverage-tiles.tsx';
import { customerCrumbs } from '../../../../_ui/customer-crumbs.ts';
import { DataTable } from '../../../../_ui/data-table.tsx';
import { EmptyState } from '../../../../_ui/empty-state.tsx';
import { MetricRow } from '../../../../_ui/metric-tile.tsx';
import { Moment, type PageClock, ShortTime } from '../../../../_ui/moment.tsx';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { HELD_WORDS } from '../../../../_ui/state-words.ts';
import { StatusBadge } from '../../../../_ui/status-badge.tsx';
import { WordsDialog } from '../../../../_ui/words-dialog.client.tsx';
import { type Gap, gapsOf } from './gaps.ts';

export const metadata: Metadata = { title: 'Coverage' };

/** What lies on a customer's machines and what of it is backed up; what is not needs a decision. */
export default async function CoveragePage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const view = await orNotFound(viewCoverage(services, scope, (await params).id));
  const { customer, figures } = view;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: customer.timeZone };
  const gaps = gapsOf(view);
  const exportPath = `/api/customers/${customer.id}/inventory`;
  return (
    <>
      <PageHeader
        crumbs={customerCrumbs(isStaff, customer)}
        eyebrow="Coverage"
        sentence={sentenceOf(view, gaps.length)}
        support="As the machines tell themselves, every few hours. One that cannot tell, or has not told for a week, is not measured; it is never taken for covered."
        actions={
          <>
            <a href={`${exportPath}?format=csv`}>CSV</a>
            <a href={`${exportPath}?format=json`}>JSON</a>
          </>
        }
      />
      <MetricRow>
        <CoverageTiles figures={figures} />
      </MetricRow>
      <div className="hf-stack">
        <Gaps gaps={gaps} isStaff={isStaff} isMeasured={figures.databases.measured + figures.data.measured > 0} />
        <Devices view={view} clock={clock} />
        <Databases view={view} />
        {view.exclusions.length > 0 && <Exclusions view={view} clock={clock} isStaff={isStaff} />}
      </div>
    </>
  );
}

function sentenceOf({ figures }: CoverageView, gaps: number): string {
  if (figures.data.measured === 0 && figures.databases.measured === 0)
    return 'What lies on the machines is not measured yet.';
  if (gaps === 0) return 'Nothing that was found on the machines waits for a decision.';
  return `${formatCountOf(gaps, 'thing')} on the machines ${gaps === 1 ? 'is' : 'are'} not backed up, and nobody has decided that ${gaps === 1 ? 'it' : 'they'} need not be.`;
}

function Gaps({
  gaps,
  isStaff,
  isMeasured,
}: {
  gaps: readonly Gap[];
  isStaff: boolean;
  isMeasured: boolean;
}): ReactNode {
  return (
    <Panel
      title="Needs a decision"
      note={
        isStaff
          ? 'back it up, or leave it out with a reason'
          : 'your provider adds it to the backup, or leaves it out with a reason that you agree with'
      }
      isFlush={gaps.length > 0}
    >
      {gaps.length === 0 ? (
        <p>{isMeasured ? 'Nothing.' : 'Nothing is known yet: no machine has told what it holds.'}</p>
      ) : (
        <DataTable
          label="What needs a decision"
          columns={[
            { key: 'what', header: 'What', cell: ({ name }) => name },
            {
              key: 'device',
              header: 'Machine',
              cell: ({ deviceId, deviceName }) => <Link href={`/devices/${deviceId}`}>{deviceName}</Link>,
            },
            { key: 'state', header: 'State', cell: ({ state }) => <StatusBadge state={HELD_WORDS[state]} /> },
            {
              key: 'size',
              header: 'Holds',
              align: 'end',
              cell: ({ usedBytes }) => (
                <span className="hf-nowrap">{usedBytes === null ? '–' : formatBytes(usedBytes)}</span>
              ),
            },
            { key: 'do', header: 'What to do', cell: ({ advice }) => advice, isWideOnly: true },
            ...(isStaff
              ? [
                  {
                    key: 'decide',
                    header: <span className="hf-visually-hidden">Decide</span>,
                    cell: ({ deviceId, kind, subject, name }: Gap) => (
                      <WordsDialog
                        button="Leave out…"
                        title={`Leave out ${name}`}
                        explains="It stays without a backup, and no longer counts as a gap. The customer sees that you decided it, and why."
                        label="Why it need not be backed up"
                        submit="Leave it out"
                        path={`/api/devices/${deviceId}/coverage-exclusions`}
                        body={{ kind, subject }}
                        done="It is left out."
                      />
                    ),
                  },
                ]
              : []),
          ]}
          rows={gaps}
          rowKey={({ deviceId, kind, subject }) => `${deviceId}/${kind}/${subject}`}
        />
      )}
    </Panel>
  );
}

function Devices({ view, clock }: { view: CoverageView; clock: PageClock }): ReactNode {
  return (
    <Panel title="Data, machine by machine" note={formatCountOf(view.devices.length, 'machine')} isFlush>
      {view.devices.length === 0 ? (
        <EmptyState icon={<IconServer2 size={24} />} title="There is no machine">
          Each one appears here as soon as it is enrolled.
        </EmptyState>
      ) : (
        <DataTable
          label="Machines and what they hold"
          columns={[
            { key: 'device', header: 'Machine', cell: ({ deviceName }) => deviceName },
            {
              key: 'used',
              header: 'On its volumes',
              align: 'end',
              cell: ({ data }) => (data === null ? 'not measured' : formatBytes(data.usedBytes)),
            },
            {
              key: 'excluded',
              header: 'Left out',
              align: 'end',
              cell: ({ data }) => (data === null || data.excludedBytes === 0 ? '–' : formatBytes(data.excludedBytes)),
              isWideOnly: true,
            },
            {
              key: 'selected',
              header: 'In the newest backup',
              align: 'end',
              cell: ({ selectedBytes }) => (selectedBytes === 0 ? 'nothing' : formatBytes(selectedBytes)),
            },
            {
              key: 'share',
              header: 'Covered',
              align: 'end',
              cell: ({ data }) => (data?.share == null ? '–' : percentText(data.share)),
            },
            {
              key: 'volumes',
              header: 'Volumes',
              cell: ({ volumes }) =>
                volumes === null
                  ? '–'
                  : volumes
                      .map(
                        (one) =>
                          `${one.mountPoint} ${one.usedBytes === null ? 'not measured' : formatBytes(one.usedBytes)}`,
                      )
                      .join(', '),
              isWideOnly: true,
            },
            {
              key: 'told',
              header: 'Told',
              cell: ({ receivedMs }) => <Moment atMs={receivedMs} clock={clock} empty="never" />,
            },
          ]}
          rows={view.devices}
          rowKey={({ deviceId }) => deviceId}
          href={({ deviceId }) => `/devices/${deviceId}`}
        />
      )}
    </Panel>
  );
}

function Databases({ view }: { view: CoverageView }): ReactNode {
  const rows = view.devices.flatMap(({ deviceName, deviceId, databases }) =>
    (databases ?? []).map((database) => ({ ...database, deviceName, deviceId })),
  );
  const { measured } = view.figures.databases;
  return (
    <Panel
      title="Database servers that were found"
      note={`n = ${formatCount(rows.length)}, on ${formatCount(measured)} of ${formatCountOf(view.figures.devices, 'machine')} that ${measured === 1 ? 'tells' : 'tell'}`}
      isFlush={rows.length > 0}
    >
      {rows.length === 0 ? (
        <p>{measured === 0 ? 'Not measured.' : 'None runs there.'}</p>
      ) : (
        <DataTable
          label="Database servers"
          columns={[
            { key: 'device', header: 'Machine', cell: ({ deviceName }) => deviceName },
            { key: 'what', header: 'Server', cell: (row) => row.name },
            { key: 'state', header: 'State', cell: ({ state }) => <StatusBadge state={HELD_WORDS[state]} /> },
            { key: 'source', header: 'Source of the policy', cell: ({ label }) => label ?? '–' },
          ]}
          rows={rows}
          rowKey={({ deviceId, key }) => `${deviceId}/${key}`}
          href={({ deviceId }) => `/devices/${deviceId}`}
        />
      )}
    </Panel>
  );
}

function Exclusions({ view, clock, isStaff }: { view: CoverageView; clock: PageClock; isStaff: boolean }): ReactNode {
  return (
    <Panel title="Left out on purpose" note={`n = ${formatCount(view.exclusions.length)}`} isFlush>
      <DataTable
        label="What is left out on purpose"
        columns={[
          { key: 'what', header: 'What', cell: ({ name, deviceName }) => `${name}, on ${deviceName}` },
          { key: 'why', header: 'Why', cell: ({ reason }) => reason },
          { key: 'by', header: 'Decided by', cell: ({ decidedBy }) => decidedBy },
          { key: 'when', header: 'When', cell: ({ decidedMs }) => <ShortTime atMs={decidedMs} clock={clock} /> },
          ...(isStaff
            ? [
                {
                  key: 'back',
                  header: <span className="hf-visually-hidden">Take back</span>,
                  cell: ({ id }: CoverageView['exclusions'][number]) => (
                    <ActionButton path={`/api/coverage-exclusions/${id}/withdrawal`} done="It counts again.">
                      Take back
                    </ActionButton>
                  ),
                },
              ]
            : []),
        ]}
        rows={view.exclusions}
        rowKey={({ id }) => id}
      />
    </Panel>
  );
}
