import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isHoldfastError } from '../core/base/errors.ts';
import { BodyBudget, receivedPieces, withBody } from './request-body.ts';

let server: Server;
let url: string;
let budget: BodyBudget;
let release: () => void;
let held: Promise<void>;

/** A real server and real sockets: bodies over the limit, silent and vanishing senders are matters of the wire. */
beforeEach(async () => {
  budget = new BodyBudget(1000);
  held = new Promise((resolve) => {
    release = resolve;
  });
  server = createServer((request, response) => {
    const answer = (status: number, text: string): void => void response.writeHead(status).end(text);
    const read = request.url === '/silent' ? readSilent(request) : readBounded(request);
    read.then(
      (text) => answer(200, text),
      (error: unknown) =>
        answer(isHoldfastError(error) ? 400 : 500, isHoldfastError(error) ? describe(error) : 'other'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const describe = (error: { code: string; detail: Readonly<Record<string, unknown>> }): string =>
  error.detail['tooLarge'] === true ? 'too large' : error.code;

async function readBounded(request: Parameters<typeof withBody>[0]): Promise<string> {
  return await withBody(request, 600, budget, async (body) => {
    if (request.url === '/hold') await held;
    return `${body.length}`;
  });
}

let silentEnd: (text: string) => void = () => undefined;
async function readSilent(request: Parameters<typeof withBody>[0]): Promise<string> {
  try {
    for await (const _ of receivedPieces(request, 50));
    return 'whole';
  } catch (error) {
    silentEnd(isHoldfastError(error) ? error.code : String(error));
    throw error;
  }
}

async function post(path: string, bytes: number, isChunked = false): Promise<string> {
  const body = isChunked ? new Blob([Buffer.alloc(bytes)]).stream() : Buffer.alloc(bytes);
  const init: RequestInit & { duplex?: 'half' } = { method: 'POST', body: body as BodyInit, duplex: 'half' };
  return await (await fetch(url + path, init)).text();
}

test('a body within the limit is read whole, with a length and without', async () => {
  expect(await post('/', 600)).toBe('600');
  expect(await post('/', 600, true)).toBe('600');
  expect(await post('/', 0)).toBe('0');
});

test('a body over the limit is refused, announced or not', async () => {
  expect(await post('/', 601)).toBe('too large');
  expect(await post('/', 601, true)).toBe('too large');
});

test('bodies over all requests stay within the budget, and what was read is given back', async () => {
  const first = post('/hold', 600);
  await expect.poll(() => canTake(budget, 500)).toBe(false);
  expect(await post('/', 500)).toBe('rate_limited');
  expect(await post('/', 300)).toBe('300');
  release();
  expect(await first).toBe('600');
  expect(await post('/', 600)).toBe('600');
  expect(canTake(budget, 1000)).toBe(true);
});

function canTake(from: BodyBudget, bytes: number): boolean {
  try {
    from.take(bytes);
  } catch {
    return false;
  }
  from.give(bytes);
  return true;
}

test('a sender that falls silent is ended, and so is one that vanishes', async () => {
  const { port } = server.address() as AddressInfo;
  for (const vanish of [false, true]) {
    const ended = new Promise<string>((resolve) => {
      silentEnd = resolve;
    });
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /silent HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc');
      if (vanish) setTimeout(() => socket.destroy(), 10);
    });
    socket.on('error', () => undefined);
    expect(await ended).toBe('bad_request');
    socket.destroy();
  }
});
