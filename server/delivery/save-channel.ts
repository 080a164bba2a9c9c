/** A channel is set up, changed, switched on or off, removed. What is secret comes in, is sealed, and never goes out again. */
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import {
  CHANNEL_SECRETS,
  CHANNEL_SETTINGS,
  type ChannelKind,
  CUSTOMER_KINDS,
  firstRouting,
  isChannelKind,
} from '../../core/domain/delivery/channel-kinds.ts';
import { channelRouting, type ChannelRouting, nextDigest } from '../../core/domain/delivery/routing.ts';
import type { Scope } from '../access/scope.ts';
import { requireRole } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { sealChannelSecret } from './channel-secrets.ts';
import { newSigningSecret } from './channels/sign-webhook.ts';
import { parseWebAddress } from './outbound/find-target.ts';

const NAME_CHARS_MAX = 80;
const CHANNELS_MAX = 200;
const DAY_MS = 86_400_000;
/** A customer's mail goes out through the provider's server, in the provider's name. */
const CUSTOMER_PER_HOUR_MAX = 60;

export interface ChannelWish {
  readonly kind: string;
  readonly name: string;
  readonly settings: unknown;
  /** Undefined: the secret stays as it is. */
  readonly secrets?: unknown;
  /** Undefined for a new channel: what a channel of its kind begins with. */
  readonly routing?: unknown;
}

/** Owners set up the provider's channels; a customer's account its customer's own. @throws HoldfastError forbidden. */
export function requireChannelRight(scope: Scope): void {
  requireRole(scope, 'owner', 'customer_viewer');
}

/** @returns its id, and for a webhook the secret that signs: shown this once. */
export async function createChannel(
  services: Services,
  scope: Scope,
  wish: ChannelWish,
): Promise<{ channelId: string; signingSecret?: string }> {
  requireChannelRight(scope);
  const kind = kindFor(scope, wish.kind);
  const name = nameOf(wish.name);
  const settings = settingsFor(services, kind, wish.settings);
  const signingSecret = kind === 'webhook' ? newSigningSecret() : undefined;
  const secrets = secretsFor(services, kind, signingSecret === undefined ? wish.secrets : { signingSecret });
  const routing = routingFor(scope, wish.routing ?? firstRouting(kind));
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const count = await tx.notificationChannel.count({ where: { tenantId: scope.tenantId, removedAt: null } });
    if (count >= CHANNELS_MAX)
      throw new HoldfastError('bad_request', `There can be ${CHANNELS_MAX} channels at most. Remove one first.`);
    const id = newId(services.clock);
    const place = { tenantId: scope.tenantId, id, column: 'secret_sealed' } as const;
    await tx.notificationChannel.create({
      data: {
        tenantId: scope.tenantId,
        id,
        customerId: scope.customerId,
        kind,
        name,
        settings,
        routing,
        secretSealed: kind === 'email' ? null : await sealChannelSecret(services, tx, place, secrets),
        digestDueAt: digestDue(services, routing),
      },
    });
    await audit('channel.created', { kind: 'notification_channel', id }, { channel: kind, name });
    return { channelId: id, ...(signingSecret === undefined ? {} : { signingSecret }) };
  });
}

/** @throws HoldfastError not_found; conflict when somebody changed it since; bad_request. */
export async function changeChannel(
  services: Services,
  scope: Scope,
  channelId: string,
  wish: Omit<ChannelWish, 'kind'> & { readonly version: number },
): Promise<{ version: number }> {
  requireChannelRight(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const channel = await findChannel(tx, scope, channelId);
    const kind = kindFor(scope, channel.kind);
    const settings = settingsFor(services, kind, wish.settings);
    const routing = routingFor(scope, wish.routing ?? channel.routing);
    const before = channelRouting.parse(channel.routing).digest;
    const isSameDigest = JSON.stringify(before) === JSON.stringify(routing.digest);
    if (wish.secrets === undefined && kind !== 'webhook' && serverOf(settings) !== serverOf(channel.settings))
      throw new HoldfastError(
        'bad_request',
        'This is another server than the one that the secret was entered for, so nothing was changed. Enter its secret again with the new address.',
      );
    const place = { tenantId: scope.tenantId, id: channelId, column: 'secret_sealed' } as const;
    const sealed =
      wish.secrets === undefined || kind === 'email' || kind === 'webhook'
        ? {}
        : { secretSealed: await sealChannelSecret(services, tx, place, secretsFor(services, kind, wish.secrets)) };
    const version = wish.version + 1;
    const { count } = await tx.notificationChannel.updateMany({
      where: { tenantId: scope.tenantId, id: channelId, version: wish.version },
      data: {
        name: nameOf(wish.name),
        settings,
        routing,
        version,
        ...sealed,
        ...(isSameDigest ? {} : { digestDueAt: digestDue(services, routing) }),
        // What was wrong with it may be mended: the next message finds out.
        failures: 0,
        failingSince: null,
        brokenUntil: null,
        updatedAt: new Date(services.clock.nowMs()),
      },
    });
    if (count === 0)
      throw new HoldfastError(
        'conflict',
        'Somebody changed this channel in the meantime, and your change was not made. Reload the page and look at theirs first.',
      );
    const changed = { version, hasNewSecret: 'secretSealed' in sealed };
    await audit('channel.changed', { kind: 'notification_channel', id: channelId }, changed);
    return { version };
  });
}

/** A new secret signs from now on; for a day the old one signs too, so that a receiver can change in its own time. */
export async function rotateSigningSecret(
  services: Services,
  scope: Scope,
  channelId: string,
): Promise<{ signingSecret: string }> {
  requireChannelRight(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const channel = await findChannel(tx, scope, channelId);
    if (channel.kind !== 'webhook' || channel.secretSealed === null)
      throw new HoldfastError('bad_request', 'Only webhooks are signed.');
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: scope.tenantId } });
    const place = { tenantId: scope.tenantId, id: channelId };
    const at = { table: 'notification_channel', row: channelId, column: 'secret_sealed' };
    const old = JSON.parse(services.keys.open(tenant, at, channel.secretSealed).toString('utf8')) as object;
    const signingSecret = newSigningSecret();
    await tx.notificationChannel.updateMany({
      where: { tenantId: scope.tenantId, id: channelId },
      data: {
        secretSealed: await sealChannelSecret(services, tx, { ...place, column: 'secret_sealed' }, { signingSecret }),
        oldSecretSealed: await sealChannelSecret(services, tx, { ...place, column: 'old_secret_sealed' }, old),
        oldSecretUntil: new Date(services.clock.nowMs() + DAY_MS),
      },
    });
    await audit('channel.secret_rotated', { kind: 'notification_channel', id: channelId });
    return { signingSecret };
  });
}

export async function setChannelState(
  services: Services,
  scope: Scope,
  channelId: string,
  state: 'on' | 'off' | 'removed',
): Promise<Record<string, never>> {
  requireChannelRight(scope);
  await applyChange(services, scope, async (change) => {
    const { tx } = change;
    const channel = await findChannel(tx, scope, channelId);
    const now = new Date(services.clock.nowMs());
    const where = { tenantId: scope.tenantId, id: channelId };
    const calm = { failures: 0, failingSince: null, brokenUntil: null, lastError: null };
    if (state === 'on') {
      const due = digestDue(services, channelRouting.parse(channel.routing));
      const data = { ...calm, disabledAt: null, disabledReason: null, digestDueAt: due };
      await tx.notificationChannel.updateMany({ where, data });
    } else await endChannel(change, scope, channelId, now, state);
    const actions = { on: 'channel.enabled', off: 'channel.disabled', removed: 'channel.removed' } as const;
    await change.audit(actions[state], { kind: 'notification_channel', id: channelId }, { name: channel.name });
  });
  return {};
}

async function endChannel(
  { tx }: Change,
  scope: Scope,
  channelId: string,
  now: Date,
  state: 'off' | 'removed',
): Promise<void> {
  const { tenantId } = scope;
  await tx.notificationChannel.updateMany({
    where: { tenantId, id: channelId },
    data: {
      disabledAt: now,
      disabledReason: 'A person switched it off.',
      // What is removed keeps no secret: its log stays, and needs none.
      ...(state === 'removed' ? { removedAt: now, secretSealed: null, oldSecretSealed: null } : {}),
    },
  });
  await tx.notificationDelivery.updateMany({
    where: { tenantId, channelId, state: 'waiting' },
    data: { state: 'skipped', reason: 'A person switched the channel off.', endedAt: now },
  });
}

export async function findChannel(tx: Tx, scope: Scope, channelId: string) {
  const channel = await tx.notificationChannel.findFirst({
    // A customer sees the provider's channels as little as another customer's: the wall of the database says so too.
    where: { tenantId: scope.tenantId, id: channelId, removedAt: null, ...ownedBy(scope) },
  });
  if (channel === null) throw new HoldfastError('not_found', 'There is no such channel.');
  return channel;
}

/** Provider's people see the provider's channels and those of its customers; a customer its own. */
export function ownedBy(scope: Scope): { customerId?: string } {
  return scope.customerId === null ? {} : { customerId: scope.customerId };
}

function kindFor(scope: Scope, kind: string): ChannelKind {
  const isKnown = isChannelKind(kind) && (scope.customerId === null || CUSTOMER_KINDS.includes(kind));
  if (!isKnown) throw new HoldfastError('bad_request', 'This kind of channel cannot be set up here.');
  return kind;
}

function nameOf(name: string): string {
  const clean = name
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (clean === '' || clean.length > NAME_CHARS_MAX)
    throw new HoldfastError('bad_request', `Give the channel a name of up to ${NAME_CHARS_MAX} characters.`);
  return clean;
}

function settingsFor(services: Services, kind: ChannelKind, settings: unknown) {
  const parsed = parseForm(CHANNEL_SETTINGS[kind], settings);
  if ('url' in parsed) requireAddress(services, parsed.url);
  return parsed;
}

function secretsFor(services: Services, kind: ChannelKind, secrets: unknown): object {
  const parsed = parseForm(CHANNEL_SECRETS[kind], secrets ?? {});
  if ('url' in parsed) requireAddress(services, parsed.url);
  return parsed;
}

/** The form of the address alone; what its name leads to is judged whenever it is called. */
function requireAddress(services: Services, url: string): void {
  parseWebAddress(url, services.env.HOLDFAST_OUTBOUND_LOOPBACK === 'allow');
}

function routingFor(scope: Scope, routing: unknown): ChannelRouting {
  const parsed = parseForm(channelRouting, routing);
  if (scope.customerId === null) return parsed;
  // Its own alerts are all that a customer's channel ever gets; rules that name others would only mislead.
  const perHour = Math.min(parsed.perHour, CUSTOMER_PER_HOUR_MAX);
  return { ...parsed, perHour, rules: parsed.rules.map((rule) => ({ ...rule, customerIds: [] })) };
}

function parseForm<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(' ') ?? '';
  throw new HoldfastError(
    'bad_request',
    `The field “${field}” is not as expected: ${issue?.message ?? 'look at it again'}`,
  );
}

/** Whom the secret of a channel is shown to; undefined where that is part of the secret, or is no matter of the channel. */
function serverOf(settings: unknown): string | undefined {
  const { url } = z.object({ url: z.url().optional() }).parse(settings);
  return url === undefined ? undefined : new URL(url).origin;
}

function digestDue(services: Pick<Services, 'clock'>, { digest }: ChannelRouting): Date | null {
  return digest === null ? null : new Date(nextDigest(digest, services.clock.nowMs()));
}
