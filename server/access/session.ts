/** Sessions are rows: a reference token in the cookie, its hash here, looked up on every request, gone at once when revoked. */
import { createHash, randomBytes } from 'node:crypto';
import { newId } from '../../core/base/ids.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { withAuth } from '../db/with-auth.ts';
import type { Services } from '../services.ts';

const SESSION_MS = 12 * 60 * 60_000;
const IDLE_MS = 2 * 60 * 60_000;
/** The row's last use is written at most so often. */
const TOUCH_MS = 60_000;

export interface SessionUser {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string | null;
  readonly email: string;
  readonly name: string;
  readonly role: 'owner' | 'technician' | 'customer_viewer';
}

function hashSessionToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Makes a session; the token is returned once and only its hash is kept. */
export async function createSession(services: Services, user: SessionUser): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const tokenHash = hashSessionToken(token);
  const nowMs = services.clock.nowMs();
  const lookup = { tokenHash, email: user.email, tenantId: user.tenantId };
  await withAuth(services, lookup, async (tx) => {
    const id = newId(services.clock);
    const now = new Date(nowMs);
    await tx.userSession.create({
      data: {
        tenantId: user.tenantId,
        id,
        userId: user.id,
        tokenHash,
        createdAt: now,
        lastSeenAt: now,
        expiresAt: new Date(nowMs + SESSION_MS),
      },
    });
    const actor = { customerId: user.customerId, actor: { kind: 'user' as const, id: user.id } };
    await appendAudit(tx, actor, 'user.signed_in', { kind: 'user_session', id });
  });
  return token;
}

/** Undefined for a token that is unknown, expired, idle for too long or revoked, and for a disabled account. */
export async function resolveSession(services: Services, token: string): Promise<SessionUser | undefined> {
  if (typeof token !== 'string' || token.length < 32) return undefined;
  return await withAuth(services, { tokenHash: hashSessionToken(token) }, async (tx) => {
    const session = await tx.userSession.findFirst({ include: { user: true } });
    const nowMs = services.clock.nowMs();
    if (session === null || session.revokedAt !== null || session.user.disabledAt !== null) return undefined;
    const isOver = session.expiresAt.getTime() <= nowMs || nowMs - session.lastSeenAt.getTime() > IDLE_MS;
    if (isOver) return undefined;
    if (nowMs - session.lastSeenAt.getTime() > TOUCH_MS) {
      await tx.userSession.updateMany({ where: { id: session.id }, data: { lastSeenAt: new Date(nowMs) } });
    }
    const { tenantId, id, customerId, email, name, role } = session.user;
    return { tenantId, id, customerId, email, name, role: role as SessionUser['role'] }; // bound to these words by a CHECK
  });
}

/** Effective with the next request. Revoking what is not there is no error. */
export async function revokeSession(services: Services, token: string): Promise<void> {
  const tokenHash = hashSessionToken(token);
  const session = await withAuth(services, { tokenHash }, (tx) =>
    tx.userSession.findFirst({ include: { user: true } }),
  );
  if (session === null || session.revokedAt !== null) return;
  await withAuth(services, { tokenHash, tenantId: session.tenantId }, async (tx) => {
    await tx.userSession.updateMany({
      where: { id: session.id },
      data: { revokedAt: new Date(services.clock.nowMs()) },
    });
    const actor = { customerId: session.user.customerId, actor: { kind: 'user' as const, id: session.userId } };
    await appendAudit(tx, actor, 'user.signed_out', { kind: 'user_session', id: session.id });
  });
}
