import { spawn } from 'node:child_process';
import path from 'node:path';

/** What `npm run check` is made of. */
export function checkParts(root) {
  const program = (name) => path.join(root, 'node_modules/.bin', name);
  return [
    { name: 'types', command: program('tsc'), args: ['--noEmit', '--pretty', 'false', '-p', '.'] },
    { name: 'lint', command: program('oxlint'), args: ['--type-aware', '--deny-warnings', '--format', 'unix', '.'] },
    { name: 'layers', command: process.execPath, args: ['tools/check/check-layers.mjs'] },
    { name: 'names', command: process.execPath, args: ['tools/check/check-names.mjs'] },
    { name: 'dead code', command: program('knip'), args: ['--no-progress'] },
    { name: 'formatting', command: program('biome'), args: ['format', '--max-diagnostics=50', '.'] },
  ];
}

/**
 * Runs commands side by side and prints one line for each as it ends, with its output below when it failed.
 * A part is `{ name, command, args }`. Returns those that failed, `{ name, output }`.
 */
export async function runParts(parts, { cwd, print = console.log }) {
  const results = await Promise.all(parts.map((part) => runPart(part, cwd, print)));
  return results.filter((result) => !result.isOk).map(({ name, output }) => ({ name, output }));
}

function runPart({ name, command, args }, cwd, print) {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const end = (isOk, extra = '') => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      print(`${isOk ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${seconds.padStart(5)} s`);
      const output = `${Buffer.concat(chunks).toString('utf8')}${extra}`.trim();
      if (!isOk)
        print(
          output
            .split('\n')
            .map((line) => `     ${line}`)
            .join('\n'),
        );
      resolve({ name, isOk, output });
    };
    child.once('error', (error) => end(false, error.message));
    child.once('close', (code) => end(code === 0));
  });
}
