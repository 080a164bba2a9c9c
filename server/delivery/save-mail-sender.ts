import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { mailAddress } from '../../core/domain/delivery/channel-kinds.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

const LOGO_BYTES_MAX = 40 * 1024;
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

const name = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(/^[^\p{Cc}\p{Cf}]+$/u);

export const mailSenderWish = z.strictObject({
  fromName: name,
  fromAddress: mailAddress,
  replyTo: mailAddress.nullable(),
  /** Null: the operator's server. */
  server: z
    .strictObject({
      host: z
        .string()
        .trim()
        .max(253)
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252})$/, 'This is no name of a server.'),
      port: z
        .int()
        .refine(
          (port) => [25, 465, 587, 2525].includes(port) || port > 1023,
          'Mail servers listen on 465, 587, 25 or 2525.',
        ),
      username: z.string().trim().max(200),
      /** Undefined: it stays as it is. */
      password: z.string().max(500).optional(),
    })
    .nullable(),
  /** PNG in base64; null removes it, undefined leaves it. */
  logo: z.base64().nullable().optional(),
});
export type MailSenderWish = z.infer<typeof mailSenderWish>;

/** From whom the provider's mail comes and through which server. @throws HoldfastError forbidden, bad_request. */
export async function saveMailSender(
  services: Services,
  scope: Scope,
  wish: MailSenderWish,
): Promise<Record<string, never>> {
  requireRole(scope, 'owner');
  const logo = logoOf(wish.logo);
  await applyChange(services, scope, async ({ tx, audit }) => {
    const { tenantId } = scope;
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    const before = await tx.mailSender.findFirst({ where: { tenantId, id: tenantId } });
    const { server } = wish;
    // A password belongs to the server that it was entered for: it is not sent to another one.
    const isSameServer = server !== null && before?.host === server.host && before.username === server.username;
    const place = { table: 'mail_sender', row: tenantId, column: 'password_sealed' };
    const password =
      server === null || server.username === ''
        ? null
        : server.password !== undefined && server.password !== ''
          ? Uint8Array.from(services.keys.seal(tenant, place, Buffer.from(server.password)))
          : isSameServer
            ? (before?.passwordSealed ?? null)
            : null;
    const data = {
      fromName: wish.fromName,
      fromAddress: wish.fromAddress,
      replyTo: wish.replyTo,
      host: server?.host ?? null,
      port: server?.port ?? null,
      username: server === null || server.username === '' ? null : server.username,
      passwordSealed: password,
      updatedAt: new Date(services.clock.nowMs()),
      ...(logo === undefined ? {} : { logo }),
    };
    await tx.mailSender.upsert({
      where: { tenantId_id: { tenantId, id: tenantId } },
      create: { tenantId, id: tenantId, ...data },
      update: data,
    });
    const said = { fromAddress: wish.fromAddress, host: data.host, port: data.port };
    await audit('mail_sender.changed', { kind: 'mail_sender', id: tenantId }, said);
  });
  return {};
}

function logoOf(base64: string | null | undefined): Uint8Array<ArrayBuffer> | null | undefined {
  if (base64 === null || base64 === undefined) return base64;
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  if (bytes.length > LOGO_BYTES_MAX || !PNG.equals(bytes.subarray(0, PNG.length)))
    throw new HoldfastError('bad_request', 'The logo must be a PNG picture of at most 40 KiB.');
  return bytes;
}
