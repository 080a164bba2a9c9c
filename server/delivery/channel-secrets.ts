/** Secrets of channels: sealed for their row and column, opened only where something is sent. */
import { CHANNEL_SECRETS, type ChannelKind, type SecretsOf } from '../../core/domain/delivery/channel-kinds.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

export type SecretColumn = 'secret_sealed' | 'old_secret_sealed';

export async function sealChannelSecret(
  services: Pick<Services, 'keys'>,
  tx: Tx,
  { tenantId, id, column }: { tenantId: string; id: string; column: SecretColumn },
  secrets: object,
): Promise<Uint8Array<ArrayBuffer>> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const place = { table: 'notification_channel', row: id, column };
  return Uint8Array.from(services.keys.seal(tenant, place, Buffer.from(JSON.stringify(secrets))));
}

export async function openChannelSecret<K extends ChannelKind>(
  services: Pick<Services, 'keys'>,
  tx: Tx,
  { tenantId, id, kind, column }: { tenantId: string; id: string; kind: K; column: SecretColumn },
  sealed: Uint8Array,
): Promise<SecretsOf<K>> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const place = { table: 'notification_channel', row: id, column };
  const opened = JSON.parse(services.keys.open(tenant, place, sealed).toString('utf8')) as unknown;
  return CHANNEL_SECRETS[kind].parse(opened) as SecretsOf<K>; // this kind's own schema
}
