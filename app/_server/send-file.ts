const TYPES = { csv: 'text/csv; charset=utf-8', json: 'application/json; charset=utf-8' } as const;

/** A table as a file. `name`: letters, digits and hyphens alone, for it stands in a header. */
export function sendFile(text: string, kind: keyof typeof TYPES, name: string): Response {
  // A mark of the byte order: without it some spreadsheets read names with accents wrongly. In JSON it is not allowed.
  return new Response(kind === 'csv' ? `\uFEFF${text}` : text, {
    headers: {
      'content-type': TYPES[kind],
      'content-disposition': `attachment; filename="holdfast-${name}.${kind}"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
