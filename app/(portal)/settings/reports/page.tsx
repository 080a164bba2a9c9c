import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { viewBrand } from '../../../../server/reports/save-brand.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { orNotFound, staffScope } from '../../../_server/session.ts';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { BrandForm } from './brand-form.client.tsx';
import classes from './brand.module.css';

export const metadata: Metadata = { title: 'How reports look' };

const wanted = z.object({ customer: z.uuid().nullable().catch(null) });

/** Name, colour, logo and foot of reports: the provider's own, and those of customers that want another. */
export default async function ReportLookPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { customer: customerId } = wanted.parse(await searchParams);
  const view = await orNotFound(viewBrand(services, scope, customerId));
  const { customer, customers } = view;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Reports', href: '/reports' }]}
        eyebrow="How reports look"
        sentence={
          customer === null
            ? 'This is how the reports of your customers look.'
            : view.isOwn
              ? `Reports of ${customer.name} have a look of their own.`
              : `Reports of ${customer.name} look like those of all your customers.`
        }
        support="A change holds for reports that are drawn from now on; what was drawn stays as it is."
      />
      <div className={classes.columns}>
        <Panel title={customer === null ? 'For every customer' : customer.name}>
          {/* A new form for each, so that nothing typed for one is saved for another. */}
          <BrandForm key={customer?.id ?? 'provider'} view={view} />
        </Panel>
        <Panel title="Customers" note="without a look of its own, a customer has yours">
          <ul className={classes.customers}>
            <li>
              <Link href="/settings/reports" aria-current={customer === null ? 'page' : undefined}>
                Every customer
              </Link>
            </li>
            {customers.map(({ id, name, hasOwn }) => (
              <li key={id}>
                <Link
                  href={`/settings/reports?customer=${id}`}
                  prefetch={false}
                  aria-current={customer?.id === id ? 'page' : undefined}
                >
                  {name}
                </Link>
                {hasOwn && <span className="hf-quiet"> own look</span>}
              </li>
            ))}
          </ul>
        </Panel>
      </div>
    </>
  );
}
