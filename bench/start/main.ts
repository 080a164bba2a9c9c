/**
 * From `npm start` on an installed checkout to a sealed, verified and drilled backup of that checkout: wall time, against
 * the three minutes that a newcomer is promised on two cores. The service gets its own data folder and ports, and is
 * stopped the way a person stops it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const BOUND_SECONDS = 180;
const FILES_MIN = 20_000;
/** Gives up well after the bound, so that a slow run still prints its figure. */
const GIVE_UP_SECONDS = 600;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function countFiles(folder: string): number {
  let files = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) files += countFiles(path.join(folder, entry.name));
    else if (entry.isFile()) files += 1;
  }
  return files;
}

interface Milestones {
  /** What the service printed, for when it does not get there. */
  readonly output: string[];
  ready?: number;
  proven?: number;
  provenLine?: string;
}

async function run(data: string): Promise<Milestones> {
  const [port, gatewayPort] = await Promise.all([freePort(), freePort()]);
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const child = spawn('npm', ['start'], {
    cwd: CHECKOUT,
    env: { ...process.env, PORT: String(port), GATEWAY_PORT: String(gatewayPort), HOLDFAST_DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const milestones: Milestones = { output: [] };
  const giveUp = setTimeout(() => child.kill('SIGTERM'), GIVE_UP_SECONDS * 1000);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  for await (const line of createInterface({ input: child.stdout })) {
    milestones.output.push(line);
    if (line.startsWith('Ready ')) milestones.ready = seconds();
    if (line.startsWith('Proven ')) {
      milestones.proven = seconds();
      milestones.provenLine = line;
      child.kill('SIGTERM');
    }
  }
  await exited;
  clearTimeout(giveUp);
  return milestones;
}

const data = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-start-'));
try {
  const files = countFiles(CHECKOUT);
  console.log(
    `npm start → proven backup of the checkout (${files.toLocaleString('en')} files; ${FILES_MIN.toLocaleString('en')} needed)`,
  );
  const { ready, proven, provenLine, output } = await run(data);
  if (proven === undefined) {
    console.error(
      `The service stopped, or was stopped, before its first backup was proven. It printed:\n${output.join('\n')}`,
    );
    process.exitCode = 1;
  } else {
    console.log(`  ready   ${(ready ?? Number.NaN).toFixed(1)} s`);
    console.log(
      `  proven  ${proven.toFixed(1)} s   ${(proven / BOUND_SECONDS).toFixed(2)} of the ${BOUND_SECONDS} s bound   (${provenLine})`,
    );
    if (proven > BOUND_SECONDS || files < FILES_MIN) process.exitCode = 1;
  }
} finally {
  rmSync(data, { recursive: true, force: true });
}
