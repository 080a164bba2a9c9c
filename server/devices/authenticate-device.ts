/** Who sent a signed request. Everything is checked before anything is believed (security bar S21, S22). */
import type { IncomingHttpHeaders } from 'node:http';
import { HoldfastError } from '../../core/base/errors.ts';
import { isUuid } from '../../core/base/ids.ts';
import {
  bodyHash,
  CLOCK_WINDOW_MS,
  HEADER,
  type SignatureFields,
  verifyRequestSignature,
} from '../../core/protocol/signed-request.ts';
import { isProtocolSupported } from '../../core/protocol/version.ts';
import { type DeviceScope, scopeForDevice, scopeForSystem } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface SignedRequestAsReceived {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface AuthenticatedDevice {
  readonly scope: DeviceScope;
  readonly device: { readonly id: string; readonly name: string; readonly publicKey: string };
}

const NONCE = /^[A-Za-z0-9_-]{16,64}$/;

/**
 * @throws HoldfastError protocol_unsupported, device_unknown, device_revoked, signature_invalid, clock_skew,
 * replayed_request. The order matters: time and nonce are only looked at once the signature says that the device sent them.
 */
export async function authenticateDevice(
  services: Services,
  request: SignedRequestAsReceived,
): Promise<AuthenticatedDevice> {
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const tenantId = header(HEADER.tenant);
  const deviceId = header(HEADER.device);
  const fields: SignatureFields = {
    protocol: Number(header(HEADER.protocol)),
    timeMs: Number(header(HEADER.time)),
    nonce: header(HEADER.nonce),
    bodyHash: header(HEADER.bodyHash),
  };
  if (!isProtocolSupported(fields.protocol)) {
    throw new HoldfastError(
      'protocol_unsupported',
      'The service does not speak this version of the protocol. Update the agent.',
    );
  }
  if (!isUuid(tenantId) || !isUuid(deviceId)) throw unknownDevice();
  const system = scopeForSystem(tenantId);
  const device = await withScope(services, system, (tx) => tx.device.findFirst({ where: { tenantId, id: deviceId } }));
  if (device === null) throw unknownDevice();
  const isGenuine =
    NONCE.test(fields.nonce) &&
    bodyHash(request.body) === fields.bodyHash &&
    verifyRequestSignature(
      { method: request.method, target: request.target, tenantId, deviceId },
      fields,
      header(HEADER.signature),
      device.publicKey,
    );
  if (!isGenuine) {
    throw new HoldfastError(
      'signature_invalid',
      'The signature of this request does not fit. Nothing was changed; enrol the machine again if this goes on.',
    );
  }
  if (device.revokedAt !== null) {
    throw new HoldfastError(
      'device_revoked',
      'This machine was removed from the service. Its backups are kept. Ask your provider if that is a mistake.',
    );
  }
  assertClock(services, fields.timeMs);
  await rememberNonce(services, device, fields.nonce);
  return { scope: scopeForDevice(device), device };
}

function unknownDevice(): HoldfastError {
  return new HoldfastError(
    'device_unknown',
    'The service does not know this machine. Enrol it again; backups that exist are kept.',
  );
}

function assertClock(services: Services, timeMs: number): void {
  const offsetMs = timeMs - services.clock.nowMs();
  if (Number.isFinite(offsetMs) && Math.abs(offsetMs) <= CLOCK_WINDOW_MS) return;
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  throw new HoldfastError(
    'clock_skew',
    `This machine’s clock is ${minutes} minutes ${offsetMs > 0 ? 'ahead of' : 'behind'} the service’s. Set it right, for example with a time service; nothing was changed.`,
    { detail: { offsetMs } },
  );
}

async function rememberNonce(
  services: Services,
  device: { readonly tenantId: string; readonly customerId: string; readonly id: string },
  nonce: string,
): Promise<void> {
  const inserted = await withScope(
    services,
    scopeForDevice(device),
    (tx) =>
      tx.$executeRaw`INSERT INTO device_nonce (tenant_id, device_id, customer_id, nonce, seen_at)
      VALUES (${device.tenantId}::uuid, ${device.id}::uuid, ${device.customerId}::uuid, ${nonce}, ${new Date(services.clock.nowMs())})
      ON CONFLICT DO NOTHING`,
  );
  if (inserted === 1) return;
  throw new HoldfastError('replayed_request', 'This request was received before, and is not carried out twice.');
}
