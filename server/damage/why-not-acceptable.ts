import type { Damage } from '../db/generated/client.ts';
import { isRepairable } from './ask-repair.ts';

/** A machine that was not heard of for so long, or that leaves an order unanswered for so long, need not be waited for. */
export const ANSWER_WITHIN_MS = 7 * 24 * 3600_000;

/** What tells whether anybody may still send the data again. */
export const withMachine = {
  device: { select: { revokedAt: true, enrolledAt: true, state: { select: { lastSeenAt: true } } } },
  command: { select: { state: true } },
} as const;

interface Machine {
  readonly device: {
    readonly revokedAt: Date | null;
    readonly enrolledAt: Date;
    readonly state: { readonly lastSeenAt: Date | null } | null;
  };
  readonly command: { readonly state: string } | null;
}

type Asked = Pick<Damage, 'state' | 'acceptedAt' | 'endedAt' | 'keys' | 'askedAt'> & Machine;

/** Undefined: the loss can be accepted. */
export function whyNotAcceptable(damage: Asked, nowMs: number): string | undefined {
  if (damage.acceptedAt !== null) return 'This loss was accepted already.';
  if (damage.state === 'lost') return undefined;
  if (damage.endedAt !== null) return 'This damage was repaired, so nothing is lost.';
  if (damage.keys.includes('config'))
    return 'The configuration of the vault is gone, and without it no restore point of the machine can be read, nor a new one be made. Bring it back from a copy of the storage, or enrol the machine anew.';
  if (!damage.keys.some(isRepairable)) return undefined;
  if (damage.state === 'checking')
    return 'The machine has sent data again, and the service is checking it. A loss is accepted when it is known what is lost.';
  if (isGivenUp(damage, nowMs)) return undefined;
  return 'The machine may still be able to send this data again. A loss is accepted when it has answered and what it sent was checked, or when it was retired or has not answered for seven days.';
}

/** Nobody will send it: the machine is retired, silent, or does not carry out what it was told. */
function isGivenUp({ device, command, askedAt }: Asked, nowMs: number): boolean {
  const since = nowMs - ANSWER_WITHIN_MS;
  if (device.revokedAt !== null) return true;
  if ((device.state?.lastSeenAt ?? device.enrolledAt).getTime() <= since) return true;
  const isUnanswered = command?.state === 'pending' || command?.state === 'delivered';
  return isUnanswered && askedAt !== null && askedAt.getTime() <= since;
}
