import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { formatDay, formatDuration, formatShort } from '../../../../../core/domain/format.ts';
import { policyTier, type SlaTerms } from '../../../../../core/domain/sla/contract.ts';
import { percentText } from '../../../../../core/domain/sla/percent-text.ts';
import { type ContractView, viewContract } from '../../../../../server/sla/view-contract.ts';
import type { IdProps } from '../../../../_server/page-props.ts';
import { orNotFound, staffScope } from '../../../../_server/session.ts';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import classes from '../../../../_ui/sla-month.module.css';
import { ContractEditor } from './contract-editor.client.tsx';
import { ExcuseRule } from './excuse-rule.client.tsx';

export const metadata: Metadata = { title: 'Contract' };

/** What is promised to a customer, in versions; staff write the next one and see beforehand what it would have meant. */
export default async function ContractPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope, user } = await staffScope();
  const view = await orNotFound(viewContract(services, scope, (await params).id));
  const { customer, versions } = view;
  const newest = versions[0];
  return (
    <>
      <PageHeader
        crumbs={[
          { label: 'Fleet', href: '/fleet' },
          { label: customer.name, href: `/customers/${customer.id}` },
          { label: 'Service level', href: `/customers/${customer.id}/sla` },
        ]}
        eyebrow="Contract"
        sentence={contractSentence(view)}
        support="A version is never changed: what was promised at a time is what that time is measured by. Write a new one instead."
      />
      <div className="hf-stack">
        <ContractEditor
          customerId={customer.id}
          basedOn={newest?.version ?? null}
          terms={newest?.terms ?? firstTerms(view)}
          policies={view.policies.map(({ id, name }) => ({ id, name }))}
          devices={view.devices}
          months={view.months}
          today={view.today}
        />
        {user.role === 'owner' && <ExcuseRule needsTwo={view.excusesNeedTwo} />}
        <Panel title="Versions" isFlush={versions.length > 0}>
          {versions.length === 0 ? (
            <p>None yet. Until the first one, each device is measured by its policy.</p>
          ) : (
            <ol className={classes.entries}>
              {versions.map((one) => (
                <li key={one.version}>
                  <p className={classes.entryHead}>
                    <span>
                      Version {one.version}, from {formatDay(one.validFromMs, customer.timeZone)}
                    </span>
                    <span>{one.version === view.present ? 'holds now' : ''}</span>
                  </p>
                  <p className={classes.entryText}>{one.terms.tiers.map(tierWords).join('; ')}.</p>
                  <p className={classes.entryText}>
                    {one.author}, {formatShort(one.createdMs, customer.timeZone)}: {one.reason}
                  </p>
                </li>
              ))}
            </ol>
          )}
        </Panel>
      </div>
    </>
  );
}

function contractSentence({ customer, versions, present }: ContractView): string {
  if (versions.length === 0) return `Nothing is promised to ${customer.name} yet beyond the policies of its devices.`;
  if (present === null) return `The contract with ${customer.name} has not begun yet.`;
  const one = versions.find(({ version }) => version === present)!;
  return `Version ${present} holds since ${formatDay(one.validFromMs, customer.timeZone)}.`;
}

function tierWords({ name, rpoMinutes, rpoShare, rtoMinutes }: SlaTerms['tiers'][number]): string {
  return `${name}: data at most ${formatDuration(rpoMinutes * 60_000)} old for ${percentText(rpoShare, 2)} of the time, recovered within ${formatDuration(rtoMinutes * 60_000)}`;
}

/** What a first contract begins with: the targets of the customer's own policy. */
function firstTerms({ policies }: ContractView): SlaTerms {
  const { rpoMinutes = 28 * 60, rtoMinutes = 8 * 60 } = policies[0] ?? {};
  const tier = policyTier({ rpoMinutes, rtoMinutes, drill: { level: 3, everyHours: 30 * 24 } });
  return {
    tiers: [
      {
        ...tier,
        key: 'standard',
        name: 'Standard',
        rpoShare: 0.99,
        successShare: 0.98,
        retentionDays: 30,
        integrityDays: 35,
      },
    ],
    defaultTier: 'standard',
    assignments: [],
    credits: [],
  };
}
