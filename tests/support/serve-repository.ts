/**
 * Serves a repository's folder on loopback by restic's REST protocol, and one page beside it. Stock restic is the witness of
 * the protocol: it reads the same address (tests/single-file).
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface RepositoryServer {
  /** Of the page. */
  readonly url: string;
  /** What was asked for: method, path and range. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Repositories lie below `/<name>/`. */
export async function serveRepositories(
  folders: Readonly<Record<string, string>>,
  page: string,
): Promise<RepositoryServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    answer(folders, page, request, response).catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  folders: Readonly<Record<string, string>>,
  page: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, name = '', type = '', object = ''] = new URL(request.url ?? '/', 'http://x').pathname.split('/');
  const root = folders[name];
  if (root === undefined) {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    return;
  }
  if (type !== 'config' && object === '') {
    const sized = await listing(path.join(root, type));
    response.writeHead(200, { 'content-type': 'application/vnd.x.restic.rest.v2' }).end(JSON.stringify(sized));
    return;
  }
  const folder = type === 'data' ? path.join('data', object.slice(0, 2)) : type;
  const file = path.join(root, folder, object);
  const { size } = await stat(file);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(size - 1, range?.[2] ? Number(range[2]) : size - 1);
  if (start >= size) {
    response.writeHead(416).end();
    return;
  }
  response.writeHead(range === null ? 200 : 206, {
    'content-length': String(end + 1 - start),
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

async function listing(folder: string): Promise<{ name: string; size: number }[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return await Promise.all(
    files.map(async ({ parentPath, name }) => ({ name, size: (await stat(path.join(parentPath, name))).size })),
  );
}
