import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { packKey } from '../../core/repository/object-keys.ts';
import { packsOf } from '../../core/repository/packs-of-index.ts';
import { openRepository } from '../../core/repository/repository.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { buildReader } from '../../tools/build-reader.mjs';
import { openChromium } from '../support/open-chromium.ts';
import { CHUNK_BYTES_MIN, makeRepository, makeSource, PASSWORD, ZEROS_BYTES } from './restic-repository.ts';

/** Where pictures of the page go, for people to look at; set by whoever wants some. */
const PICTURES = process.env.HOLDFAST_PICTURES;

let folder: string;
let source: string;
let vault: string;
let file: string;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-reader-'));
  source = makeSource(path.join(folder, 'source'));
  vault = makeRepository(path.join(folder, 'vault'), 2, source);
  file = path.join(folder, 'holdfast-reader.html');
  writeFileSync(file, await buildReader());
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  page = await newPage({ colorScheme: 'light' });
});
afterEach(async () => {
  await page.context().close();
});

/** Without a network: whatever the page asked for would fail, and be seen. */
async function newPage(options: Parameters<Browser['newContext']>[0]): Promise<Page> {
  const context = await browser.newContext({ ...options, offline: true, acceptDownloads: true });
  const made = await context.newPage();
  await made.goto(pathToFileURL(file).href);
  return made;
}

async function open(on: Page, chosen: string, password: string): Promise<void> {
  await on.getByLabel('The vault’s folder').setInputFiles(chosen);
  await on.getByLabel('Password').fill(password);
  await on.getByRole('button', { name: 'Open', exact: true }).click();
}

/** From the restore point down to the folder `source/<names>`. */
async function goDown(on: Page, ...names: readonly string[]): Promise<void> {
  await on.getByRole('button', { name: /mill/ }).click();
  const way = [...source.split('/').filter((name) => name !== ''), ...names];
  for (const name of way) await on.getByRole('cell', { name, exact: true }).getByRole('button').click();
  await expect.poll(() => on.locator('[aria-current=page]').textContent()).toBe(way.at(-1));
}

async function save(on: Page, name: string): Promise<{ name: string; sha256: string }> {
  const coming = on.waitForEvent('download');
  await on.getByRole('button', { name: `Save ${name}`, exact: true }).click();
  const download = await coming;
  const sha256 = createHash('sha256')
    .update(readFileSync(await download.path()))
    .digest('hex');
  return { name: download.suggestedFilename(), sha256 };
}

declare const picked: { name: string; bytes: number; pieces: number; end: string };

/** The browser's question where to save cannot be answered without a screen: here its answer counts what is written. */
async function pickInPage(on: Page): Promise<void> {
  await on.evaluate(() => {
    const found = { name: '', bytes: 0, pieces: 0, end: '' };
    const target = {
      write: async (piece: Uint8Array) => {
        found.bytes += piece.length;
        found.pieces += 1;
      },
      close: async () => void (found.end = 'closed'),
      abort: async () => void (found.end = 'aborted'),
    };
    const showSaveFilePicker = async ({ suggestedName }: { suggestedName: string }) => {
      found.name = suggestedName;
      return { createWritable: async () => target };
    };
    Object.assign(globalThis, { picked: found, showSaveFilePicker });
  });
}

/** Every piece of every file; the folders' listings stay whole. */
async function hurtDataPacks(repository: string): Promise<void> {
  const repo = await openRepository(createFileStore({ root: repository }), PASSWORD);
  for (const { packId, blobs } of packsOf(await BlobIndex.load(repo))) {
    if (blobs[0]?.type === 'tree') continue;
    const pack = path.join(repository, packKey(packId));
    const bytes = readFileSync(pack);
    for (const { offset, length } of blobs) bytes[offset + (length >> 1)]! ^= 1;
    rmSync(pack); // restic writes them read-only
    writeFileSync(pack, bytes);
  }
}

const sha256Of = (at: string | Buffer): string => createHash('sha256').update(readFileSync(at)).digest('hex');

describe('the reader, one file opened from a disk, without a network', () => {
  test('opens a folder of stock restic’s, shows what is in it, and saves files as they were', async () => {
    await open(page, vault, PASSWORD);
    await goDown(page, 'deep', 'er');
    expect(await page.getByText('3 files, 89.1 MB').count()).toBe(1);
    expect(await save(page, 'large.bin')).toEqual({
      name: 'large.bin',
      sha256: sha256Of(path.join(source, 'deep/er/large.bin')),
    });
    await expect.poll(() => page.getByRole('status').textContent()).toContain('Saved large.bin, 21.0 MB.');
    expect((await save(page, 'empty')).sha256).toBe(sha256Of(path.join(source, 'deep/er/empty')));
    // A name that would turn its own direction round is shown as what it is.
    await page.getByRole('button', { name: 'source', exact: true }).click();
    const shown = await save(page, '<b>&amp;<b>\\u{2028}\\u{202e}txt.exe');
    expect(shown).toEqual({
      name: '_b_&amp;_b__u{2028}_u{202e}txt.exe',
      sha256: sha256Of(path.join(source, '<b>&amp;<b>\u2028\u202etxt.exe')),
    });
    const bytes = Buffer.concat([Buffer.from(`${source}/`), Buffer.from('not UTF-8 \xff\xfe\x80', 'latin1')]);
    expect((await save(page, 'not UTF-8 \ufffd\ufffd\ufffd')).sha256).toBe(sha256Of(bytes));
  });

  test('a large file is written piece by piece to where the person says, and nothing is left of one that is damaged', async () => {
    await pickInPage(page);
    await open(page, vault, PASSWORD);
    await goDown(page, 'deep', 'er');
    await page.getByRole('button', { name: 'Save zeros' }).click();
    await expect
      .poll(() => page.getByRole('status').textContent(), { timeout: 60_000 })
      .toContain('Saved zeros, 68.2 MB.');
    expect(await page.evaluate(() => picked)).toEqual({
      name: 'zeros',
      bytes: ZEROS_BYTES,
      pieces: ZEROS_BYTES / CHUNK_BYTES_MIN,
      end: 'closed',
    });
  });

  test('a wrong password, a folder without a repository and a damaged pack are told in sentences', async () => {
    await open(page, vault, 'not this one');
    const problem = page.getByRole('alert');
    await expect
      .poll(() => problem.textContent(), { timeout: 20_000 })
      .toMatch(/^The password opens none of the repository’s keys/);
    await page.getByLabel('The vault’s folder').setInputFiles(source);
    await expect.poll(() => problem.textContent()).toMatch(/^There is no repository in this folder/);
    expect(await page.getByRole('button', { name: 'Open', exact: true }).isDisabled()).toBe(true);

    const hurt = path.join(folder, 'hurt');
    cpSync(vault, hurt, { recursive: true });
    await hurtDataPacks(hurt);
    await open(page, hurt, PASSWORD);
    await goDown(page, 'deep', 'er');
    await pickInPage(page);
    await page.getByRole('button', { name: 'Save zeros' }).click();
    await expect.poll(() => problem.textContent(), { timeout: 20_000 }).toMatch(/^zeros was not saved\./);
    expect(await page.evaluate(() => picked.end)).toBe('aborted');
    await page.getByRole('button', { name: 'Save large.bin' }).click();
    await expect
      .poll(() => problem.textContent(), { timeout: 20_000 })
      .toMatch(
        /^large\.bin was not saved\. A piece of a file is damaged in the repository \([0-9a-f]{64}, in pack [0-9a-f]{64}\)/,
      );
  });

  test('of several repositories in the chosen folder the person names one', async () => {
    const both = path.join(folder, 'stick');
    mkdirSync(both);
    for (const name of ['first', 'second']) cpSync(vault, path.join(both, name), { recursive: true });
    await page.getByLabel('The vault’s folder').setInputFiles(both);
    await page.getByLabel('Which one').selectOption('stick/second');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.locator('.side').getByText('stick/second').waitFor({ timeout: 20_000 });
    await page.getByRole('button', { name: 'Close this backup' }).click();
    expect(await page.getByLabel('Password').inputValue()).toBe('');
  });

  test('the page may connect to nothing, and asks for nothing', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const refused = await page.evaluate(() => fetch('https://127.0.0.1:1/').catch((error: Error) => error.message));
    expect(refused).toMatch(/Refused|Failed/);
    await open(page, vault, PASSWORD);
    await page.getByRole('button', { name: /mill/ }).waitFor({ timeout: 20_000 });
    expect(asked.filter((url) => !url.startsWith('blob:'))).toEqual([]);
    expect(await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content')).toMatch(
      /^default-src 'none'; script-src 'sha256-/,
    );
  });

  test.each([
    ['light', 1200],
    ['dark', 1200],
    ['light', 390],
    ['dark', 390],
  ] as const)('is accessible in %s at %i pixels, and does not scroll sideways', async (colorScheme, width) => {
    const own = await newPage({ colorScheme, viewport: { width, height: 800 } });
    const look = async (name: string): Promise<void> => {
      const { violations } = await new AxeBuilder({ page: own })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
        .analyze();
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
        name,
      ).toEqual([]);
      const beyond = await own.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(beyond, name).toBe(0);
      if (PICTURES !== undefined)
        await own.screenshot({ path: path.join(PICTURES, `${colorScheme}-${width}-${name}.png`) });
    };
    await look('start');
    await open(own, vault, 'wrong');
    await expect.poll(() => own.getByRole('alert').textContent(), { timeout: 20_000 }).toContain('password');
    await look('refused');
    await open(own, vault, PASSWORD);
    await own.getByRole('button', { name: /mill/ }).waitFor({ timeout: 20_000 });
    await look('points');
    await goDown(own);
    await look('folder');
    await own.context().close();
  });
});
