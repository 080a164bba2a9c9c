import { IconReceipt } from '@tabler/icons-react';
import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { BILLED, type Billed, BILLED_WORDS, type PreviewLine } from '../../../../core/domain/billing-preview.ts';
import { formatBytes, formatCountOf } from '../../../../core/domain/format.ts';
import { type CustomerPreview, previewClose } from '../../../../server/usage/preview-close.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { staffScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { TabLinks } from '../../../_ui/tab-links.tsx';
import { amountText, differenceText, monthsText, previewSentence } from './preview-words.ts';
import classes from './preview.module.css';

export const metadata: Metadata = { title: 'If the month closed now' };

const SHOWN = ['all', 'changed', 'flagged'] as const;
const query = z.object({
  customer: z.uuid().optional().catch(undefined),
  show: z.enum(SHOWN).catch('all'),
});

/** What would be billed now, beside what was billed last: of all customers, or of one with the rows behind it. */
export default async function UsagePreviewPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { customer, show } = query.parse(await searchParams);
  const previews = await previewClose(services, scope, customer === undefined ? {} : { customerId: customer });
  if (customer === undefined) return <AllCustomers previews={previews} show={show} />;
  const [one] = previews;
  if (one === undefined) notFound();
  return <OneCustomer preview={one} />;
}

const SUPPORT =
  'A dry run: nothing is written, here or in a service desk. The highest value of the month counts, with a measurement of this moment; the month is not over and may still rise.';

function AllCustomers({
  previews,
  show,
}: {
  previews: readonly CustomerPreview[];
  show: (typeof SHOWN)[number];
}): ReactNode {
  const of = {
    all: previews,
    changed: previews.filter(({ isChanged }) => isChanged),
    flagged: previews.filter(({ exceptions }) => exceptions.length > 0),
  };
  const rows = of[show];
  // Said once where it is the same for all.
  const months = new Set(previews.map(monthsText));
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Usage', href: '/usage' }]}
        eyebrow="If the month closed now"
        sentence={previewSentence(previews)}
        support={months.size === 1 ? `${[...months][0]}. ${SUPPORT}` : SUPPORT}
        actions={previews.length === 0 ? undefined : <Exports />}
      />
      <TabLinks
        label="Which customers"
        current={show}
        tabs={[
          { key: 'all', label: 'All', href: '/usage/preview', count: of.all.length },
          { key: 'changed', label: 'Changed', href: '/usage/preview?show=changed', count: of.changed.length },
          { key: 'flagged', label: 'Need a look', href: '/usage/preview?show=flagged', count: of.flagged.length },
        ]}
      />
      <Panel isFlush>
        {rows.length === 0 ? (
          <EmptyState icon={<IconReceipt size={24} />} title="No customer here">
            {show === 'all' ? 'The first measurement is made soon after a first backup.' : 'That is how it should be.'}
          </EmptyState>
        ) : (
          <DataTable
            label="What customers would be billed if the month closed now"
            columns={columnsOf(months.size > 1)}
            rows={rows}
            rowKey={({ customerId }) => customerId}
            href={({ customerId }) => `/usage/preview?customer=${customerId}`}
          />
        )}
      </Panel>
    </>
  );
}

function Exports({ customerId }: { customerId?: string }): ReactNode {
  const href = (format: string): string =>
    `/api/usage/preview?${new URLSearchParams({ ...(customerId === undefined ? {} : { customer: customerId }), format })}`;
  return (
    <>
      <a href={href('csv')}>CSV</a>
      <a href={href('json')}>JSON</a>
    </>
  );
}

const lineOf = ({ lines }: CustomerPreview, measure: Billed): PreviewLine =>
  lines.find((line) => line.measure === measure)!;

const columnsOf = (hasMonths: boolean): Column<CustomerPreview>[] => [
  {
    key: 'customer',
    header: 'Customer',
    cell: (preview) => (
      <div>
        {preview.customer}
        {hasMonths && <div className={`hf-quiet ${classes.months}`}>{monthsText(preview)}</div>}
      </div>
    ),
  },
  ...BILLED.filter((measure) => measure !== 'drills').map(
    (measure): Column<CustomerPreview> => ({
      key: measure,
      header: BILLED_WORDS[measure].name,
      align: 'end',
      cell: (preview) => <Amount line={lineOf(preview, measure)} />,
    }),
  ),
  {
    key: 'why',
    header: 'Why, and what to look at',
    cell: ({ lines, exceptions }) => (
      <div className={classes.why}>
        {exceptions.map(({ kind, text }) => (
          <div key={`${kind} ${text}`} className={classes.flag}>
            {text}
          </div>
        ))}
        {lines
          .filter(({ measure, why }) => (measure === 'devices' || measure === 'protectedBytes') && why.length > 0)
          .map(({ measure, why }) => (
            <div key={measure} className="hf-quiet">
              {BILLED_WORDS[measure].name}: {why.join('; ')}.
            </div>
          ))}
      </div>
    ),
  },
];

function Amount({ line }: { line: PreviewLine }): ReactNode {
  return (
    <div className={classes.amount}>
      {amountText(line.measure, line.proposed)}
      <div className="hf-quiet">{differenceText(line)}</div>
    </div>
  );
}

function OneCustomer({ preview }: { preview: CustomerPreview }): ReactNode {
  const { customer, customerId, exceptions, lines, devices } = preview;
  const flags = exceptions.length;
  return (
    <>
      <PageHeader
        crumbs={[
          { label: 'Usage', href: '/usage' },
          { label: 'If the month closed now', href: '/usage/preview' },
        ]}
        eyebrow={customer}
        sentence={`${preview.isChanged ? 'It would be billed noticeably otherwise than in the last closed month' : 'It would be billed nearly as in the last closed month'}${flags === 0 ? '.' : `; ${flags === 1 ? 'one thing needs' : `${flags} things need`} a look.`}`}
        support={SUPPORT}
        actions={<Exports customerId={customerId} />}
      />
      <div className="hf-stack">
        {flags > 0 && (
          <Panel title="To look at">
            <ul className={classes.flags}>
              {exceptions.map(({ kind, text }) => (
                <li key={`${kind} ${text}`} className={classes.flag}>
                  {text}
                </li>
              ))}
            </ul>
          </Panel>
        )}
        <Panel title="Then and now" note={monthsText(preview)} isFlush>
          <DataTable
            label="What is billed, then and now"
            columns={LINES}
            rows={lines}
            rowKey={({ measure }) => measure}
          />
        </Panel>
        <Panel
          title="Devices"
          note={`${formatCountOf(devices.length, 'device')} that count or counted in one of the months`}
          isFlush
        >
          {devices.length === 0 ? (
            <EmptyState icon={<IconReceipt size={24} />} title="No device">
              None counts in either month.
            </EmptyState>
          ) : (
            <DataTable
              label="What each device held on the days that count"
              columns={DEVICES}
              rows={devices.map((device, at) => ({ ...device, key: `${device.name} ${at}` }))}
              rowKey={({ key }) => key}
            />
          )}
        </Panel>
      </div>
    </>
  );
}

const LINES: Column<PreviewLine>[] = [
  { key: 'what', header: 'What', cell: ({ measure }) => BILLED_WORDS[measure].name },
  {
    key: 'current',
    header: 'Billed then',
    align: 'end',
    cell: ({ measure, current }) =>
      current === null ? <span className="hf-quiet">nothing closed</span> : amountText(measure, current),
  },
  {
    key: 'proposed',
    header: 'If closed now',
    align: 'end',
    cell: ({ measure, proposed }) => amountText(measure, proposed),
  },
  {
    key: 'change',
    header: 'Difference',
    align: 'end',
    cell: (line) => <span className={classes.amount}>{differenceText(line)}</span>,
  },
  {
    key: 'why',
    header: 'Why',
    cell: ({ why }) => (why.length === 0 ? <span className="hf-quiet">nothing changed</span> : why.join('; ')),
  },
];

const held = (bytes: number | null): ReactNode =>
  bytes === null ? <span className="hf-quiet">not in service</span> : formatBytes(bytes);

const DEVICES: Column<CustomerPreview['devices'][number] & { readonly key: string }>[] = [
  { key: 'name', header: 'Device', cell: ({ name }) => name },
  { key: 'before', header: 'Held then', align: 'end', cell: ({ beforeBytes }) => held(beforeBytes) },
  { key: 'now', header: 'Holds now', align: 'end', cell: ({ nowBytes }) => held(nowBytes) },
  { key: 'stored', header: 'New data since', align: 'end', cell: ({ storedBytes }) => formatBytes(storedBytes) },
];
