import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { manualClock } from '../../core/base/clock.ts';
import type { SpeedLimits } from '../../core/domain/policy.ts';
import { createHttpTransfer } from './http-transfer.ts';
import { SpeedLimiter } from './speed-limiter.ts';

const always = (up: number | null, down: number | null = null): SpeedLimits => ({
  rules: [{ from: '00:00', until: '00:00', upBytesPerSecond: up, downBytesPerSecond: down }],
});
const T = Date.UTC(2026, 10, 20, 8);

function withManualClock(): { limiter: SpeedLimiter; clock: ReturnType<typeof manualClock> } {
  const clock = manualClock(T);
  return { clock, limiter: new SpeedLimiter({ clock, sleep: async (ms) => clock.advance(ms) }) };
}

async function move(limiter: SpeedLimiter, bytes: number): Promise<void> {
  for (let done = 0; done < bytes; ) {
    const slice = Math.min(limiter.up.sliceBytes(), bytes - done);
    await limiter.up.take(slice);
    done += slice;
  }
}

test('a limited transfer takes as long as its bytes at the rate, and an unlimited one no time', async () => {
  const { limiter, clock } = withManualClock();
  await move(limiter, 10_000_000);
  expect(clock.nowMs()).toBe(T);
  limiter.obey(always(100_000));
  await move(limiter, 1_000_000);
  expect((clock.nowMs() - T) / 1000).toBeGreaterThan(9);
  expect((clock.nowMs() - T) / 1000).toBeLessThan(11);
});
test('transfers at the same time share one rate', async () => {
  const { limiter, clock } = withManualClock();
  limiter.obey(always(100_000));
  await Promise.all([1, 2, 3, 4].map(() => move(limiter, 250_000)));
  // The manual clock adds up the waits of all four, which in truth run beside one another: never less than the rate allows.
  expect((clock.nowMs() - T) / 1000).toBeGreaterThan(9);
});
test('a rule that begins and ends while a transfer runs changes its speed', async () => {
  const { limiter, clock } = withManualClock();
  limiter.obey({
    rules: [
      { from: '08:00', until: '08:01', upBytesPerSecond: 20_000, downBytesPerSecond: null },
      { from: '08:01', until: '08:02', upBytesPerSecond: 100_000, downBytesPerSecond: null },
    ],
  });
  await move(limiter, 60 * 20_000 + 30 * 100_000);
  expect((clock.nowMs() - T) / 1000).toBeGreaterThan(86);
  expect((clock.nowMs() - T) / 1000).toBeLessThan(94);
  expect(limiter.limit.upBytesPerSecond).toBe(100_000);
  clock.set(T + 120_000);
  expect(limiter.up.isLimited()).toBe(false);
});
test('a pause is not made up for by a burst, and a clock that is set back stops nothing', async () => {
  const { limiter, clock } = withManualClock();
  limiter.obey(always(100_000));
  await move(limiter, 100_000);
  clock.advance(3_600_000);
  const restMs = clock.nowMs();
  await move(limiter, 200_000);
  expect(clock.nowMs() - restMs).toBeGreaterThan(1_400);
  clock.set(T - 86_400_000);
  await move(limiter, 100_000);
  expect(clock.nowMs()).toBeLessThan(T - 86_400_000 + 3_000);
});

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
});

test('real uploads and downloads arrive whole, and half the rate takes about twice as long', async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => response.end(request.method === 'GET' ? body : Buffer.concat(pieces)));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const body = Buffer.from(Array.from({ length: 1_200_000 }, (_, at) => (at * 31) % 251));
  const transfer = createHttpTransfer();
  const limiter = new SpeedLimiter();
  const time = async (method: 'PUT' | 'GET', limits: SpeedLimits | undefined): Promise<number> => {
    limiter.obey(limits);
    const begun = performance.now();
    const sent = method === 'PUT' ? { body } : {};
    const answer = await transfer.exchange({
      method,
      url,
      headers: {},
      ...sent,
      pace: limiter,
      // Far shorter than the limited transfer takes: waiting for the pace is no stall.
      stallMs: 400,
      responseBytesMax: 2_000_000,
    });
    expect(answer.body.equals(body)).toBe(true);
    return performance.now() - begun;
  };
  try {
    for (const method of ['PUT', 'GET'] as const) {
      const rates = (rate: number) => (method === 'PUT' ? always(rate) : always(null, rate));
      const isPaced = async (): Promise<boolean> => {
        const free = await time(method, undefined);
        const fast = await time(method, rates(1_600_000));
        const slow = await time(method, rates(800_000));
        // The bucket's first quarter of a second comes at once, so that the ratio is above two.
        return fast > free && slow / fast > 1.4 && slow / fast < 4.5;
      };
      // A machine that has no time for this process makes one transfer slow, or takes it for stalled; not time after time.
      await expect.poll(isPaced, { timeout: 50_000 }).toBe(true);
    }
  } finally {
    transfer.close();
  }
});
