import { isPartialAccepted } from '../../core/domain/sla/partial.ts';

/** Does a point count, once nothing speaks against it: is it whole, or does the policy accept what its run could not read? */
export function isPointAcceptable(
  point: {
    readonly outcome: string;
    readonly run: { readonly unread: unknown; readonly unreadBytes: bigint; readonly selectedBytes: bigint };
  },
  toleranceShare: number,
): boolean {
  if (point.outcome === 'ok') return true;
  const { unread, unreadBytes, selectedBytes } = point.run;
  return isPartialAccepted(
    {
      unread: unread as { reason: string; bytes: number }[], // written from the parsed manifest
      unreadBytes: Number(unreadBytes),
      selectedBytes: Number(selectedBytes),
    },
    toleranceShare,
  );
}
