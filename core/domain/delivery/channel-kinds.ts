/**
 * The ways out: what each needs to know, and which of it is secret. What is secret is sealed and never shown again; an
 * address that lets its holder post (Slack, Teams, a monitor) is a secret as a whole.
 */
import { z } from 'zod';
import type { ChannelManner } from './plan-messages.ts';
import type { ChannelRouting } from './routing.ts';

export const CHANNEL_KINDS = [
  'email',
  'webhook',
  'slack',
  'teams',
  'pagerduty',
  'dead_man',
  'connectwise',
  'autotask',
  'halopsa',
] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

export const DESK_KINDS = ['connectwise', 'autotask', 'halopsa'] as const;
export type DeskKind = (typeof DESK_KINDS)[number];

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !/\p{Cc}/u.test(text), 'A line may hold no control characters.');
const url = z.string().trim().min(8).max(2048);
const secret = line(2048);
/** One address, as a mail server takes it; no names, no comments, no lists. */
export const mailAddress = z
  .string()
  .trim()
  .max(254)
  .regex(
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))*$/,
    {
      message: 'This is no e-mail address.',
    },
  );
const numeric = z
  .string()
  .trim()
  .regex(/^\d{1,12}$/, 'This is a number in the service desk.');
/** Which company of the service desk a customer is; the others are booked on `defaultCompany`. */
const companies = z.record(z.uuid(), line(100)).default({});

export const CHANNEL_SETTINGS = {
  email: z.strictObject({ to: z.array(mailAddress).min(1, 'Name at least one recipient.').max(20) }),
  webhook: z.strictObject({ url }),
  slack: z.strictObject({}),
  teams: z.strictObject({}),
  pagerduty: z.strictObject({ url: url.default('https://events.pagerduty.com') }),
  dead_man: z.strictObject({ everyMinutes: z.int().min(1).max(60).default(5) }),
  connectwise: z.strictObject({
    url,
    company: line(50),
    publicKey: line(100),
    clientId: line(100),
    board: line(50),
    closedStatus: line(50).default('>Closed'),
    companies,
    defaultCompany: line(50),
  }),
  autotask: z.strictObject({
    url,
    username: line(200),
    queueId: numeric,
    priority: numeric.default('2'),
    openStatus: numeric.default('1'),
    closedStatus: numeric.default('5'),
    companies,
    defaultCompany: numeric,
  }),
  halopsa: z.strictObject({
    url,
    clientId: line(200),
    tenant: line(100).optional(),
    ticketTypeId: numeric,
    closedStatusId: numeric.default('9'),
    companies,
    defaultCompany: numeric,
  }),
} as const satisfies Record<ChannelKind, z.ZodType>;

export const CHANNEL_SECRETS = {
  email: z.strictObject({}),
  webhook: z.strictObject({ signingSecret: z.string().regex(/^whsec_[A-Za-z0-9+/=]{32,128}$/) }),
  slack: z.strictObject({ url }),
  teams: z.strictObject({ url }),
  pagerduty: z.strictObject({
    routingKey: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9]{20,64}$/, 'This is no integration key.'),
  }),
  dead_man: z.strictObject({ url }),
  connectwise: z.strictObject({ privateKey: secret }),
  autotask: z.strictObject({ integrationCode: secret, secret }),
  halopsa: z.strictObject({ clientSecret: secret }),
} as const satisfies Record<ChannelKind, z.ZodType>;

export type SettingsOf<K extends ChannelKind> = z.infer<(typeof CHANNEL_SETTINGS)[K]>;
export type SecretsOf<K extends ChannelKind> = z.infer<(typeof CHANNEL_SECRETS)[K]>;

export const CHANNEL_MANNERS: Readonly<Record<ChannelKind, ChannelManner>> = {
  email: 'people',
  webhook: 'machine',
  slack: 'people',
  teams: 'people',
  pagerduty: 'machine',
  dead_man: 'machine',
  connectwise: 'desk',
  autotask: 'desk',
  halopsa: 'desk',
};

/** What a customer may set up for its own alerts. */
export const CUSTOMER_KINDS: readonly ChannelKind[] = ['email', 'webhook'];

/** A new channel tells everything that needs a person; machines and desks hear how it went on too. */
export function firstRouting(kind: ChannelKind): ChannelRouting {
  const manner = CHANNEL_MANNERS[kind];
  return {
    rules: kind === 'dead_man' ? [] : [{ minSeverity: 'warning', kinds: [], customerIds: [], afterMinutes: 0 }],
    tells: manner === 'people' ? 'opened_and_resolved' : 'everything',
    quiet: null,
    gatherSeconds: manner === 'machine' ? 0 : 60,
    perHour: manner === 'people' ? 30 : 1200,
    digest: null,
  };
}

export function isChannelKind(kind: string): kind is ChannelKind {
  return CHANNEL_KINDS.some((known) => known === kind);
}
