/** What the form asks for, kind by kind. The server judges what is entered; this says how it is asked. */
import { CHANNEL_KINDS, CUSTOMER_KINDS, type ChannelKind } from '../../../../core/domain/delivery/channel-kinds.ts';
import { KIND_NAMES } from './notification-words.ts';

export interface ChannelField {
  readonly name: string;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  /** `companies`: a line for each customer that has a company of its own there. */
  readonly form: 'text' | 'lines' | 'number' | 'secret' | 'companies';
  readonly isOptional?: boolean;
  readonly initial?: string;
}

const companies = (example: string): ChannelField => ({
  name: 'companies',
  label: 'Customers there',
  description: `One a line, as “Customer = ${example}”. The others are booked on the company above.`,
  form: 'companies',
  isOptional: true,
});

export const CHANNEL_FIELDS: Readonly<Record<ChannelKind, readonly ChannelField[]>> = {
  email: [{ name: 'to', label: 'To', description: 'One address a line, 20 at most.', form: 'lines' }],
  webhook: [
    {
      name: 'url',
      label: 'Address',
      description: 'Public, by HTTPS. Each event is one signed request.',
      placeholder: 'https://hooks.your-company.com/holdfast',
      form: 'text',
    },
  ],
  slack: [
    {
      name: 'url',
      label: 'Address of the incoming webhook',
      description: 'Whoever has it can post, so it is kept as a secret.',
      placeholder: 'https://hooks.slack.com/services/…',
      form: 'secret',
    },
  ],
  teams: [
    {
      name: 'url',
      label: 'Address of the workflow',
      description: 'In Teams: Workflows, “Post to a channel when a webhook request is received”. Kept as a secret.',
      form: 'secret',
    },
  ],
  pagerduty: [
    {
      name: 'url',
      label: 'Region',
      description: 'https://events.eu.pagerduty.com in the EU.',
      form: 'text',
      initial: 'https://events.pagerduty.com',
    },
    { name: 'routingKey', label: 'Integration key', description: 'Of an “Events API v2” integration.', form: 'secret' },
  ],
  dead_man: [
    {
      name: 'url',
      label: 'Address to call',
      description: 'A check that raises the alarm when it is not called. Kept as a secret.',
      form: 'secret',
    },
    { name: 'everyMinutes', label: 'Every so many minutes', form: 'number', initial: '5' },
  ],
  connectwise: [
    { name: 'url', label: 'Server', placeholder: 'https://api-eu.myconnectwise.net', form: 'text' },
    { name: 'company', label: 'Company ID of your login', form: 'text' },
    { name: 'publicKey', label: 'Public key', form: 'text' },
    { name: 'privateKey', label: 'Private key', form: 'secret' },
    { name: 'clientId', label: 'Client ID', description: 'From the developer site of ConnectWise.', form: 'text' },
    { name: 'board', label: 'Service board', form: 'text' },
    { name: 'closedStatus', label: 'Status of a closed ticket', form: 'text', initial: '>Closed' },
    { name: 'defaultCompany', label: 'Company', description: 'Its identifier there.', form: 'text' },
    companies('identifier'),
  ],
  autotask: [
    { name: 'url', label: 'Server of your zone', placeholder: 'https://webservices19.autotask.net', form: 'text' },
    { name: 'username', label: 'User name of the API user', form: 'text' },
    { name: 'secret', label: 'Its password', form: 'secret' },
    { name: 'integrationCode', label: 'Tracking identifier', form: 'secret' },
    { name: 'queueId', label: 'Queue', description: 'Its number.', form: 'text' },
    { name: 'priority', label: 'Priority', form: 'text', initial: '2' },
    { name: 'openStatus', label: 'Status of a new ticket', form: 'text', initial: '1' },
    { name: 'closedStatus', label: 'Status of a closed ticket', form: 'text', initial: '5' },
    { name: 'defaultCompany', label: 'Company', description: 'Its number there.', form: 'text' },
    companies('number'),
  ],
  halopsa: [
    { name: 'url', label: 'Server', placeholder: 'https://your-company.halopsa.com', form: 'text' },
    { name: 'tenant', label: 'Tenant', description: 'For a hosted HaloPSA.', form: 'text', isOptional: true },
    { name: 'clientId', label: 'Client ID', form: 'text' },
    { name: 'clientSecret', label: 'Client secret', form: 'secret' },
    { name: 'ticketTypeId', label: 'Ticket type', description: 'Its number.', form: 'text' },
    { name: 'closedStatusId', label: 'Status of a closed ticket', form: 'text', initial: '9' },
    { name: 'defaultCompany', label: 'Client', description: 'Its number there.', form: 'text' },
    companies('number'),
  ],
};

export function kindChoices(isCustomer: boolean): { value: ChannelKind; label: string }[] {
  return (isCustomer ? CUSTOMER_KINDS : CHANNEL_KINDS).map((value) => ({ value, label: KIND_NAMES[value] }));
}

interface Customer {
  readonly id: string;
  readonly name: string;
}

export function initialOf(
  field: ChannelField,
  settings: Readonly<Record<string, unknown>>,
  customers: readonly Customer[],
): string {
  const value = settings[field.name];
  if (field.form === 'lines' && Array.isArray(value)) return value.join('\n');
  if (field.form === 'companies' && typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([id, company]) => `${customers.find((one) => one.id === id)?.name ?? id} = ${String(company)}`)
      .join('\n');
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  return field.initial ?? '';
}

export interface FormValues {
  readonly settings: Record<string, unknown>;
  readonly secrets: Record<string, string>;
}

/** What was typed, as the server takes it, or a sentence about what it cannot be. */
export function valuesOf(
  fields: readonly ChannelField[],
  typed: Readonly<Record<string, string>>,
  customers: readonly Customer[],
): FormValues | string {
  const settings: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const field of fields) {
    const text = (typed[field.name] ?? '').trim();
    if (field.form === 'secret') {
      if (text !== '') secrets[field.name] = text;
    } else if (field.form === 'lines') {
      settings[field.name] = linesOf(text.replaceAll(',', '\n'));
    } else if (field.form === 'companies') {
      const found = companiesOf(text, customers);
      if (typeof found === 'string') return found;
      settings[field.name] = found;
    } else if (text !== '' || field.isOptional !== true) {
      settings[field.name] = field.form === 'number' ? Number(text) : text;
    }
  }
  return { settings, secrets };
}

function companiesOf(text: string, customers: readonly Customer[]): Record<string, string> | string {
  const found: Record<string, string> = {};
  for (const line of linesOf(text)) {
    const [name = '', company = ''] = line.split(/=(.*)/s).map((part) => part.trim());
    const customer = customers.find((one) => one.name.toLowerCase() === name.toLowerCase() || one.id === name);
    if (customer === undefined) return `There is no customer called “${name}”.`;
    if (company === '') return `Write what ${customer.name} is called there: “${customer.name} = …”.`;
    found[customer.id] = company;
  }
  return found;
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
