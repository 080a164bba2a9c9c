import { newId } from '../../core/base/ids.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { createTokenText, hashToken } from './enrolment-token.ts';

const VALID_MS = 24 * 60 * 60_000;

export interface CreatedToken {
  /** Shown once; only its hash is kept. */
  readonly token: string;
  readonly expiresMs: number;
}

export interface TokenWish {
  readonly customerId: string;
  readonly policyId: string;
  readonly label: string;
  /** Who will hold the keys of the machine's vault; customer_held: nobody but the customer can ever read it. */
  readonly custody?: 'escrowed' | 'customer_held';
}

/** A token that enrols one machine for a customer within 24 hours. @throws HoldfastError forbidden, not_found. */
export async function createEnrolmentToken(services: Services, scope: Scope, input: TokenWish): Promise<CreatedToken> {
  requireStaff(scope);
  return await applyChange(services, scope, async (change) => await insertToken(services, change, scope, input));
}

/** For the seed, which acts as the system. */
export async function insertToken(
  services: Pick<Services, 'clock'>,
  { tx, audit }: Change,
  scope: Scope,
  { customerId, policyId, label, custody = 'escrowed' }: TokenWish,
): Promise<CreatedToken> {
  const policy = await tx.policy.findFirst({ where: { tenantId: scope.tenantId, customerId, id: policyId } });
  if (policy === null) throw new HoldfastError('not_found', 'There is no such customer or policy.');
  const id = newId(services.clock);
  const token = createTokenText(scope.tenantId);
  const expiresMs = services.clock.nowMs() + VALID_MS;
  await tx.enrolmentToken.create({
    data: {
      tenantId: scope.tenantId,
      id,
      customerId,
      policyId,
      label,
      custody,
      tokenHash: hashToken(token),
      expiresAt: new Date(expiresMs),
      createdBy: scope.actor.kind === 'user' ? scope.actor.id : null,
    },
  });
  await audit('enrolment_token.created', { kind: 'enrolment_token', id }, { customerId, label, custody });
  return { token, expiresMs };
}
