/**
 * The checks of a vault beside what everybody has: level 1 beside `sha256sum` on the same files, level 2 (in its sandbox) beside
 * stock `restic check --read-data`. The vault is one that stock restic has made. Everything is read from memory.
 *
 *   npm run bench -- verify [--rounds 3] [--scale 1] [--seed holdfast] [--restic PATH] [--folder /tmp]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../../core/base/log.ts';
import { lanesWorth } from '../../core/base/native/many-hashes.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { ensureRestic } from '../../tools/test/ensure-restic.ts';
import { NamedReads } from '../../workers/verify/named-reads.ts';
import { readObjects } from '../../workers/verify/read-objects.ts';
import { decryptResult } from '../../workers/sandbox/messages.ts';
import { runInSandbox } from '../../workers/sandbox/run-in-sandbox.ts';
import { measure, median } from '../measure.ts';
import { makeMixed } from '../repo/corpus.ts';
import { Program } from '../repo/programs.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'holdfast' },
    restic: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const PASSWORD = 'benchmark';
/** At least this share of the speed of sha256sum, at most this share of the time of restic. */
const BOUNDS = { reading: 0.7, decrypting: 1 };

const scratch = mkdtempSync(path.join(values.folder, 'holdfast-bench-verify-'));
try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function run(): Promise<boolean> {
  const source = path.join(scratch, 'source');
  const passwordFile = path.join(scratch, 'password');
  mkdirSync(source);
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  makeMixed(source, values.seed, Number(values.scale) * 2 ** 30);
  const restic = new Program('restic', values.restic ?? ensureRestic('0.19'), scratch, passwordFile);
  await restic.init();
  await restic.backup(source);
  const objects = readdirSync(path.join(restic.repo, 'data'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => {
      const key = `data/${name.slice(0, 2)}/${name}`;
      return { key, sha256: name, size: statSync(path.join(restic.repo, key)).size };
    });
  const bytes = objects.reduce((sum, { size }) => sum + size, 0);
  console.log(`\n  ${objects.length} packs, ${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`);
  const store = createFileStore({ root: restic.repo });
  const seconds = {
    sha256sum: [] as number[],
    reading: [] as number[],
    restic: [] as number[],
    decrypting: [] as number[],
  };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    execFileSync('bash', ['-c', 'tar -cf - -C "$1" . | cat > /dev/null', 'bash', restic.repo]);
    const files = objects.map(({ key }) => path.join(restic.repo, key));
    const theirs = await measure(['sha256sum', ...files], {});
    seconds.sha256sum.push(theirs.wallSeconds);
    seconds.reading.push(
      await timed(() =>
        readObjects(store, objects, {
          onBytes: () => undefined,
          onReadTwice: () => undefined,
          onDone: ({ key }, state) => {
            if (state !== 'intact') throw new Error(`${key} is ${state}`);
          },
        }),
      ),
    );
    seconds.restic.push((await restic.check()).wallSeconds);
    seconds.decrypting.push(await timed(decrypt));
  }
  async function decrypt(): Promise<void> {
    const packs = objects.map(({ sha256: id, size }) => ({ id, size }));
    const sizes = new Map(objects.map(({ key, size }) => [key, size]));
    const reads = new NamedReads(store, new Map(objects.map((object) => [object.key, object])));
    const end = await runInSandbox({
      task: { kind: 'decrypt', password: PASSWORD, packs, packsAtOnce: lanesWorth() },
      store: reads.store,
      sizeOf: (key) => sizes.get(key),
      wallClockMs: 600_000,
      outputBytesMax: 1024 * 1024,
      log: silentLog,
    });
    if (end.kind !== 'result') throw new Error(end.message);
    const { bad } = decryptResult.parse(end.value);
    if (reads.misnamed.size > 0) throw new Error('a pack does not fit its name');
    if (bad.length > 0) throw new Error(`${bad[0]!.key}: ${bad[0]!.reason}`);
  }
  const speed = median(seconds.sha256sum) / median(seconds.reading);
  const time = median(seconds.decrypting) / median(seconds.restic);
  const figure = (all: readonly number[]): string => `${median(all).toFixed(2)} s`.padStart(9);
  console.log(
    `  level 1  ${figure(seconds.reading)}   sha256sum          ${figure(seconds.sha256sum)}   speed ${speed.toFixed(2)}, at least ${BOUNDS.reading}`,
  );
  console.log(
    `  level 2  ${figure(seconds.decrypting)}   restic check       ${figure(seconds.restic)}   time ${time.toFixed(2)}, at most ${BOUNDS.decrypting}`,
  );
  return speed >= BOUNDS.reading && time <= BOUNDS.decrypting;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
