import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForBrowser } from '../../tools/build/bundle-for-browser.mjs';
import { openChromium } from '../support/open-chromium.ts';
import { type RepositoryServer, serveRepositories } from '../support/serve-repository.ts';
import type { PageApi, ReadStreamed, ReadWhole } from './read-in-page.ts';
import { hashesOf, makeRepository, makeSource, PASSWORD, resticMeanwhile } from './restic-repository.ts';

declare const holdfast: PageApi;

let folder: string;
let server: RepositoryServer;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-browser-'));
  const source = makeSource(path.join(folder, 'source'));
  const [one, two] = [1, 2].map((version) =>
    makeRepository(path.join(folder, `v${version}`), version as 1 | 2, source),
  );
  const hurt = path.join(folder, 'hurt');
  cpSync(two!, hurt, { recursive: true });
  const program = await bundleForBrowser(fileURLToPath(new URL('read-in-page.ts', import.meta.url)));
  server = await serveRepositories(
    { one: one!, two: two!, hurt },
    `<!doctype html><script type="module">${program}</script>`,
  );
  browser = await openChromium();
  page = await browser.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => 'holdfast' in globalThis);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const readWhole = (repository: string, password = PASSWORD) =>
  page.evaluate(([name, secret]) => holdfast.readWhole(name!, secret!), [repository, password]);

describe('the read path in Chromium', () => {
  test('stock restic takes what the test serves for a repository, so that the browser reads what restic reads', async () => {
    // Not in this thread: it serves what restic asks for.
    const listed = await resticMeanwhile(`rest:${server.url}two`, 'snapshots', '--no-lock', '--json');
    expect(JSON.parse(listed)).toHaveLength(1);
  });

  test.each(['one', 'two'])(
    'opens a repository of stock restic (%s) and reads every file as it was, whatever its name',
    async (name) => {
      expect(await page.evaluate(() => holdfast.hasBuffer())).toBe(false);
      const answer = await readWhole(name);
      expect(answer).toHaveProperty('value');
      const { version, snapshots, hashes, folders } = (answer as { value: ReadWhole }).value;
      const source = path.join(folder, 'source');
      expect(version).toBe(name === 'one' ? 1 : 2);
      expect(snapshots).toEqual([{ paths: [source], hostname: 'mill' }]);
      const wanted = hashesOf(source);
      expect(Object.keys(wanted).length).toBeGreaterThan(600);
      expect(hashes).toEqual(wanted);
      expect(folders).toBeGreaterThanOrEqual(2);
    },
  );

  test('a file of 20 MiB comes in pieces, asked for by range', async () => {
    server.requests.length = 0;
    const file = path.join(folder, 'source/deep/er/large.bin');
    const answer = await page.evaluate(([secret, at]) => holdfast.readStreamed('two', secret!, at!), [PASSWORD, file]);
    const { pieces, largest, bytes } = (answer as { value: ReadStreamed }).value;
    expect(bytes).toBe(20 * 1024 * 1024);
    expect(pieces).toBeGreaterThan(2);
    expect(largest).toBeLessThanOrEqual(8 * 1024 * 1024);
    const packs = server.requests.filter((line) => /GET \/two\/data\/[0-9a-f]{64}/.test(line));
    expect(packs.length).toBeGreaterThan(2);
    expect(packs.every((line) => /bytes=\d+-\d+$/.test(line))).toBe(true);
  });

  test('another password is refused as that, and opens nothing', async () => {
    expect(await readWhole('two', `${PASSWORD} `)).toMatchObject({ code: 'wrong_password' });
    expect(await readWhole('none')).toMatchObject({
      code: expect.stringMatching(/repository_missing|storage_unavailable/),
    });
  });

  test('a damaged or cut pack is named with what it held, and a changed key file or config opens nothing', async () => {
    const packs = packsOf('hurt');
    const largest = packs.toSorted((a, b) => b.bytes.length - a.bytes.length)[0]!;
    const flipped = Buffer.from(largest.bytes);
    for (let at = 0; at < flipped.length; at += 4096) flipped[at]! ^= 0x10;
    writeFileSync(largest.file, flipped, { mode: 0o600 });
    const answer = await readWhole('hurt');
    expect(answer).toMatchObject({ code: 'repository_damaged' });
    expect((answer as { message: string }).message).toContain(path.basename(largest.file));
    truncateSync(largest.file, 100);
    expect(await readWhole('hurt')).toMatchObject({ message: expect.stringContaining(path.basename(largest.file)) });
    const config = path.join(folder, 'hurt/config');
    const sound = readFileSync(config);
    rmSync(config);
    writeFileSync(
      config,
      sound.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
    );
    expect(await readWhole('hurt')).toMatchObject({ code: 'repository_damaged' });
  });
});

function packsOf(name: string): { file: string; bytes: Buffer }[] {
  return readdirSync(path.join(folder, name, 'data'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => {
      const bytes = readFileSync(file);
      rmSync(file); // restic writes them read-only
      writeFileSync(file, bytes);
      return { file, bytes };
    });
}
