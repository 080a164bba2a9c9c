import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { serveGateway } from './serve-gateway.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

test('a busy port is told in one sentence with the way out', async () => {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const first = await serveGateway(app, LOOPBACK);
  await expect(serveGateway(app, { host: '127.0.0.1', port: first.port })).rejects.toMatchObject({
    code: 'port_busy',
    message: expect.stringContaining('GATEWAY_PORT'),
  });
  await first.close(0);
});

test('a stop lets the running request finish and takes no new one', async () => {
  const app = new Hono<{ Bindings: HttpBindings }>();
  let finish: () => void = () => undefined;
  const started = new Promise<void>((isStarted) => {
    app.get('/slow', async (c) => {
      const wait = new Promise<void>((resolve) => {
        finish = resolve;
      });
      isStarted();
      await wait;
      return c.text('done');
    });
  });
  const served = await serveGateway(app, LOOPBACK);
  const running = fetch(`${served.url}/slow`);
  await started;
  const closed = served.close();
  await expect(fetch(`${served.url}/slow`)).rejects.toThrow('fetch failed');
  finish();
  expect(await (await running).text()).toBe('done');
  await closed;
});

test('a stop does not wait for ever', async () => {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const started = new Promise<void>((isStarted) => {
    app.get('/stuck', async () => {
      isStarted();
      return await new Promise<Response>(() => undefined);
    });
  });
  const served = await serveGateway(app, LOOPBACK);
  const stuck = fetch(`${served.url}/stuck`).catch(() => 'cut off');
  await started;
  await served.close(50);
  expect(await stuck).toBe('cut off');
});
