import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

const TAGS_MAX = 20;

/** Sets the words by which staff find a device: lower case, each once. @throws HoldfastError not_found, bad_request. */
export async function tagDevice(
  services: Services,
  scope: Scope,
  deviceId: string,
  words: readonly string[],
): Promise<void> {
  requireStaff(scope);
  const tags = [...new Set(words.map((word) => word.trim().toLowerCase()))].filter((word) => word !== '').sort();
  if (tags.length > TAGS_MAX) throw new HoldfastError('bad_request', `A device has at most ${TAGS_MAX} tags.`);
  const bad = tags.find((tag) => !/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,39}$/u.test(tag) || tag === 'none');
  if (bad !== undefined)
    throw new HoldfastError(
      'bad_request',
      `“${bad}” is no tag: a tag is one word of letters, digits, dots and dashes.`,
    );
  await applyChange(services, scope, async ({ tx, audit }) => {
    const { count } = await tx.device.updateMany({
      where: { tenantId: scope.tenantId, id: deviceId, revokedAt: null },
      data: { tags },
    });
    if (count === 0) throw new HoldfastError('not_found', 'There is no such device.');
    await audit('device.tagged', { kind: 'device', id: deviceId }, { tags });
  });
}
