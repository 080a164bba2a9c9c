/**
 * `Content-Disposition` that saves under `filename`, whatever its letters are: a plain form for old readers and the exact
 * one of RFC 6266. Path separators, quotes and control characters are replaced, so that nothing of a backup's content can
 * choose a folder or end the header.
 */
export function contentDisposition(filename: string): string {
  const safe = filename.replace(/[\u0000-\u001f\u007f"\\/]/g, '_').slice(0, 200) || 'download';
  const plain = safe.replace(/[^\x20-\x7e]/g, '_');
  const exact = encodeURIComponent(safe.toWellFormed()).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
