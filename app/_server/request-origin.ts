/**
 * Did a page of this portal send this request (S14)? Browsers name the origin of every request that is not a plain GET; one
 * without it comes from no page of ours. `sec-fetch-site` is checked too where the browser sends it.
 */
export function isSameOrigin(headers: Headers): boolean {
  const origin = headers.get('origin');
  const host = headers.get('x-forwarded-host') ?? headers.get('host');
  const site = headers.get('sec-fetch-site');
  if (origin === null || host === null || (site !== null && site !== 'same-origin')) return false;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** A path inside this portal, or the start page: never another site (S17). */
export function localPath(wanted: string | null | undefined): string {
  if (wanted === null || wanted === undefined || !wanted.startsWith('/')) return '/';
  const base = 'http://portal.invalid';
  const parsed = URL.canParse(wanted, base) ? new URL(wanted, base) : null;
  if (parsed === null || parsed.origin !== base) return '/';
  // After dots and backslashes are resolved a path may begin with two slashes, which names another host.
  return parsed.pathname.startsWith('//') ? '/' : parsed.pathname + parsed.search;
}
