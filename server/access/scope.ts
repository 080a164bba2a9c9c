/**
 * Who acts, and within which walls. A scope can only be made here, from something that was checked: a session row, a
 * verified device signature, a claimed job. It is the first wall of tenancy; row-level security is the second.
 */
import { HoldfastError } from '../../core/base/errors.ts';

export type Role = 'owner' | 'technician' | 'customer_viewer' | 'device' | 'worker';

export interface Actor {
  readonly kind: 'user' | 'device' | 'worker' | 'system';
  readonly id: string | null;
}

declare const minted: unique symbol;

export interface Scope {
  readonly [minted]: true;
  readonly tenantId: string;
  /** Null: every customer of the tenant. */
  readonly customerId: string | null;
  readonly actor: Actor;
  readonly role: Role;
}

export interface DeviceScope extends Scope {
  readonly customerId: string;
  readonly deviceId: string;
}

const scopes = new WeakSet<object>();

function mint<T extends object>(fields: T): T & { readonly [minted]: true } {
  const scope = Object.freeze({ ...fields });
  scopes.add(scope);
  return scope as T & { readonly [minted]: true }; // the brand exists for the compiler only; the WeakSet is the proof
}

/** @throws HoldfastError forbidden for an object that merely looks like a scope. */
export function assertScope(scope: Scope): void {
  if (!scopes.has(scope))
    throw new HoldfastError('forbidden', 'This request carries no valid identity. Sign in again.');
}

export function scopeForUser(user: {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string | null;
  readonly role: 'owner' | 'technician' | 'customer_viewer';
}): Scope {
  if ((user.role === 'customer_viewer') !== (user.customerId !== null)) {
    throw new HoldfastError('forbidden', 'This account is set up inconsistently. Ask your provider to check it.');
  }
  return mint({
    tenantId: user.tenantId,
    customerId: user.customerId,
    actor: { kind: 'user' as const, id: user.id },
    role: user.role,
  });
}

export function scopeForDevice(device: {
  readonly tenantId: string;
  readonly customerId: string;
  readonly id: string;
}): DeviceScope {
  return mint({
    tenantId: device.tenantId,
    customerId: device.customerId,
    deviceId: device.id,
    actor: { kind: 'device' as const, id: device.id },
    role: 'device' as const,
  });
}

export function scopeForJob(intent: { readonly tenantId: string; readonly id: string }): Scope {
  return mint({
    tenantId: intent.tenantId,
    customerId: null,
    actor: { kind: 'worker' as const, id: intent.id },
    role: 'worker' as const,
  });
}

/** For what the service does by itself: the seed, sweeps, and looking up who a request claims to be. */
export function scopeForSystem(tenantId: string): Scope {
  return mint({ tenantId, customerId: null, actor: { kind: 'system' as const, id: null }, role: 'worker' as const });
}

/** @throws HoldfastError forbidden unless the actor has one of the roles. */
export function requireRole(scope: Scope, ...roles: readonly Role[]): void {
  assertScope(scope);
  if (!roles.includes(scope.role)) {
    throw new HoldfastError('forbidden', 'Your account may not do this. Ask your provider if you need it.');
  }
}

export function requireStaff(scope: Scope): void {
  requireRole(scope, 'owner', 'technician');
}

/** The device a device scope stands for. @throws HoldfastError forbidden for any other actor. */
export function requireDevice(scope: Scope): asserts scope is DeviceScope {
  requireRole(scope, 'device');
}
