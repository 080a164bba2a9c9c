import type { EvidenceBundle } from '../../core/evidence/bundle.ts';

/** A bundle as a download. `part`: what it is of, in letters that every file system takes. */
export function sendBundle(bundle: EvidenceBundle, part: string): Response {
  return new Response(`${JSON.stringify(bundle, null, 2)}\n`, {
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="holdfast-evidence-${part}.json"`,
      'cache-control': 'no-store',
    },
  });
}
