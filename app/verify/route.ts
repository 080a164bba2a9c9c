/** The page that checks evidence, for anybody: it is one file, connects to nothing, and nothing is sent to us. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const dynamic = 'force-dynamic';

let page: Promise<string> | undefined;

export async function GET(): Promise<Response> {
  // Written by the portal's build; Next's own working folder is the project's.
  page ??= readFile(path.join(process.cwd(), '.next/holdfast-verifier.html'), 'utf8');
  try {
    const text = await page;
    // The page's own policy, with what only a header can say.
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(text)?.[1] ?? "default-src 'none'";
    return new Response(text, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `${policy}; frame-ancestors 'none'`,
        'cache-control': 'no-cache',
      },
    });
  } catch {
    page = undefined;
    return new Response('The page that checks evidence was not built. Run: npm run build\n', { status: 404 });
  }
}
