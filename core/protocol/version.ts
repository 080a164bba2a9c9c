/** The protocol between agent and gateway. A gateway serves a range; an agent outside of it is told so, with the range. */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_SUPPORTED = { min: 1, max: 1 } as const;

export function isProtocolSupported(version: number): boolean {
  return Number.isInteger(version) && version >= PROTOCOL_SUPPORTED.min && version <= PROTOCOL_SUPPORTED.max;
}
