/** The protocol between agent and gateway. A gateway serves a range; an agent outside of it is told so, with the range. */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_SUPPORTED = { min: 1, max: 1 } as const;

/**
 * What a gateway has learnt to take within the version. It says its revision in the head of every answer; one that says none has
 * revision 0. Gateways refuse what they do not know, so an agent sends what is newer to those alone that know it.
 *
 *   1: a manifest may say what is not kept of entries (`notKept`, `notKeptCount`).
 *   2: the end of a restore and its size are told (`purpose`, `restored`, /restores/:id/end), and what the machine holds (/inventory);
 *      a manifest may say how the files differ from those of the snapshot before (`changes`).
 */
export const PROTOCOL_REVISION = 2;
export const NOT_KEPT_REVISION = 1;
export const RESTORE_END_REVISION = 2;
export const INVENTORY_REVISION = 2;
export const CHANGES_REVISION = 2;

export function isProtocolSupported(version: number): boolean {
  return Number.isInteger(version) && version >= PROTOCOL_SUPPORTED.min && version <= PROTOCOL_SUPPORTED.max;
}
