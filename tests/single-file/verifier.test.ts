/** The page that checks evidence, as one file in a browser without a network; and the command with the same verdicts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvidenceBundle } from '../../core/evidence/bundle.ts';
import { makeTestBundle, type TestBundle } from '../../core/evidence/testing/make-test-bundle.ts';
import { buildVerifier } from '../../tools/build-verifier.mjs';
import { openChromium } from '../support/open-chromium.ts';

/** Where pictures of the page go, for people to look at; set by whoever wants some. */
const PICTURES = process.env.HOLDFAST_PICTURES;

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));

let folder: string;
let file: string;
let browser: Browser;
let sound: TestBundle;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-verifier-'));
  file = path.join(folder, 'holdfast-verifier.html');
  writeFileSync(file, await buildVerifier());
  sound = await makeTestBundle();
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

function save(name: string, value: unknown): string {
  const place = path.join(folder, name);
  writeFileSync(place, typeof value === 'string' ? value : JSON.stringify(value));
  return place;
}

interface Case {
  readonly name: string;
  readonly files: () => string[];
  readonly isSound: boolean;
  readonly says: string;
}

const swap = (bundle: EvidenceBundle): EvidenceBundle => {
  const [first, second, third, ...rest] = bundle.records;
  return { ...bundle, records: [first!, third!, second!, ...rest] };
};

const CASES: readonly Case[] = [
  { name: 'sound', files: () => [save('sound.json', sound.bundle)], isSound: true, says: 'This evidence is sound' },
  {
    name: 'flipped',
    files: () => {
      const [first, ...rest] = sound.bundle.records;
      const text = first!.text.replace('"filesMatched":1', '"filesMatched":2');
      return [save('flipped.json', { ...sound.bundle, records: [{ ...first!, text }, ...rest] })];
    },
    isSound: false,
    says: 'Record 1 was altered after it was signed',
  },
  {
    name: 'removed',
    files: () => [save('removed.json', { ...sound.bundle, records: sound.bundle.records.toSpliced(1, 1) })],
    isSound: false,
    says: 'Record 2 is missing',
  },
  {
    name: 'swapped',
    files: () => [save('swapped.json', swap(sound.bundle))],
    isSound: false,
    says: 'not in their order',
  },
  {
    name: 'rewritten',
    files: () => [save('forged.json', { ...sound.forged, anchors: [] }), save('anchor.json', sound.bundle.anchors[0])],
    isSound: false,
    says: 'signed with a key that is not in the bundle',
  },
  {
    name: 'cut',
    files: () => [save('cut.json', JSON.stringify(sound.bundle).slice(0, 900))],
    isSound: false,
    says: 'no',
  },
];

describe('the command', () => {
  const verify = (...args: string[]) => spawnSync(HOLDFAST, ['verify-evidence', ...args], { encoding: 'utf8' });
  test.each(CASES.filter(({ name }) => name !== 'cut'))('$name: $says', ({ files, isSound, says }) => {
    const { status, stdout } = verify(...files());
    expect(stdout).toContain(says);
    expect(status).toBe(isSound ? 0 : 1);
  });
  test('gives JSON, knows a trusted key, and refuses another', () => {
    const [bundle] = CASES[0]!.files();
    const told = JSON.parse(
      execFileSync(HOLDFAST, ['verify-evidence', bundle!, '--json', '--key', sound.keyId], { encoding: 'utf8' }),
    ) as {
      isSound: boolean;
    };
    expect(told).toMatchObject({ isSound: true, findings: [], facts: { records: 4 } });
    const { status, stdout } = verify(bundle!, '--key', 'a'.repeat(64));
    expect([status, stdout.includes('not one of the keys that you trust')]).toEqual([1, true]);
  });
  test('says what is no evidence, and what is wrong use', () => {
    expect(verify(save('none.json', 'hello'))).toMatchObject({ status: 1 });
    expect(verify(path.join(folder, 'not-there.json'))).toMatchObject({ status: 1 });
    expect(verify()).toMatchObject({ status: 2 });
    expect(verify('x', '--key', 'short')).toMatchObject({ status: 2 });
  });
});

describe('the page', () => {
  async function newPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ ...options, offline: true });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    return page;
  }
  test.each(CASES.filter(({ name }) => name !== 'cut'))('$name: $says', async ({ name, files, isSound, says }) => {
    const page = await newPage({ colorScheme: 'light' });
    await page.getByLabel('Evidence file').setInputFiles(files());
    await page.getByText(says).first().waitFor();
    expect(await page.locator('section.sound').count()).toBe(isSound ? 1 : 0);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    for (const [look, width, colorScheme] of [
      ['light', 1280, 'light'],
      ['dark', 1280, 'dark'],
      ['narrow', 360, 'light'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect([look, overflow]).toEqual([look, 0]);
      if (PICTURES !== undefined)
        await page.screenshot({ path: path.join(PICTURES, `verifier-${name}-${look}.png`), fullPage: true });
    }
    await page.context().close();
  });
  test('says so where a browser cannot check, and compares a key that is typed in', async () => {
    const page = await newPage();
    await page.getByLabel('Evidence file').setInputFiles(CASES[0]!.files());
    await page.getByText('This evidence is sound').waitFor();
    await page.getByLabel(/key/).fill('b'.repeat(64));
    await page.getByText('not one of the keys that you trust').waitFor();
    await page.getByLabel(/key/).fill(sound.keyId);
    await page.getByText('This evidence is sound').waitFor();
    await page.context().close();
    const context = await browser.newContext({ offline: true });
    await context.addInitScript(() => {
      Object.defineProperty(crypto.subtle, 'importKey', {
        value: () => Promise.reject(new DOMException('no', 'NotSupportedError')),
      });
    });
    const old = await context.newPage();
    await old.goto(pathToFileURL(file).href);
    await old.getByLabel('Evidence file').setInputFiles(CASES[0]!.files());
    await old.getByText('This browser cannot check such signatures').waitFor();
    expect(await old.locator('section').count()).toBe(0);
    await context.close();
  });
});
