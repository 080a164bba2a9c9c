/** A network that loses, delays and breaks what a test names; everything else passes through unchanged. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** The connection ends before the server hears anything. */
  | 'lose-request'
  /** The server does what was asked, and its answer never arrives. */
  | 'lose-answer'
  /** One bit of the body is turned on the way to the server. */
  | 'flip-bit'
  /** 503 with Retry-After: 0, by the proxy itself. */
  | 'unavailable';

interface Rule {
  readonly pattern: RegExp;
  readonly fault: Fault;
  left: number;
}

export interface PassedRequest {
  readonly method: string;
  /** Path without the query, which may hold a signature. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly target: string;
  readonly body: Buffer;
  /** Undefined while it is under way, or when it was lost. */
  status?: number;
}

export class FaultyProxy {
  readonly passed: PassedRequest[] = [];
  /** Milliseconds that each upload waits before it is handed on. */
  uploadDelayMs = 0;
  readonly #server: Server;
  readonly #target: () => number;
  #rules: Rule[] = [];

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer(
      (incoming, outgoing) => void this.#serve(incoming, outgoing).catch(() => outgoing.destroy()),
    );
  }

  static async start(target: () => number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests whose `METHOD /path` matches meet the fault. */
  break(pattern: RegExp, fault: Fault, times = 1): void {
    this.#rules.push({ pattern, fault, left: times });
  }

  /** Rules that have not been met: a test that leaves one has tested nothing. */
  get unmet(): string[] {
    return this.#rules.filter(({ left }) => left > 0).map(({ pattern, fault }) => `${fault} ${pattern}`);
  }

  heal(): void {
    this.#rules = [];
    this.uploadDelayMs = 0;
    this.passed.length = 0;
  }

  /** Uploads of packs that the store took: 200, by path. */
  get storedPacks(): string[] {
    return this.passed
      .filter(({ method, path, status }) => method === 'PUT' && path.includes('/data/') && status === 200)
      .map(({ path }) => path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    let body = Buffer.concat(pieces);
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    const path = target.split('?')[0] ?? target;
    const passed: PassedRequest = { method, path, target, headers: incoming.headers, body };
    this.passed.push(passed);
    const rule = this.#rules.find(({ pattern, left }) => left > 0 && pattern.test(`${method} ${path}`));
    if (rule !== undefined) rule.left -= 1;
    if (rule?.fault === 'lose-request') return void outgoing.destroy();
    if (rule?.fault === 'unavailable') return void outgoing.writeHead(503, { 'retry-after': '0' }).end('busy');
    if (rule?.fault === 'flip-bit') {
      body = Buffer.from(body);
      body[body.length >> 1]! ^= 1;
    }
    if (method === 'PUT' && this.uploadDelayMs > 0)
      await new Promise((resolve) => setTimeout(resolve, this.uploadDelayMs));
    const answer = await this.#forward(method, target, incoming.headers, body);
    if (rule?.fault === 'lose-answer') return void outgoing.destroy();
    passed.status = answer.status;
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  #forward(
    method: string,
    target: string,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const onward = request(
        { host: '127.0.0.1', port: this.#target(), method, path: target, headers: { ...headers, connection: 'close' } },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(pieces) }),
          );
        },
      );
      onward.on('error', reject);
      onward.end(body);
    });
  }
}
