const NAME_MAX = 120;

/**
 * The name under which a browser saves a download. It comes from a customer's disk: control characters, separators, quotes
 * and what turns text around are replaced, so that it can lead nowhere and pretend nothing (security bar S35).
 */
export function downloadFileName(path: string, kind: 'file' | 'zip'): string {
  const last = path.split('/').filter(Boolean).at(-1) ?? 'files';
  const plain = last
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029"'\\/:*?<>|;%]/gu, '_')
    .replace(/^[\s.]+/, '_')
    .replace(/[\s.]+$/, '');
  const cut = Array.from(plain).slice(0, NAME_MAX).join('');
  const name = cut === '' ? 'file' : cut;
  return kind === 'zip' ? `${name}.zip` : name;
}
