/** `npm run bench [-- repo|start …]`: runs the named benchmarks, or all, one after the other in processes of their own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHMARKS = ['repo', 'start'] as const;

const [first, ...rest] = process.argv.slice(2);
const chosen = BENCHMARKS.filter((name) => first === undefined || name === first);
if (chosen.length === 0) {
  console.error(`There is no benchmark "${first}". Choose from: ${BENCHMARKS.join(', ')}.`);
  process.exit(2);
}
let failed = 0;
for (const name of chosen) {
  console.log(`\n== ${name}`);
  const script = fileURLToPath(new URL(`./${name}/main.ts`, import.meta.url));
  if (spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit' }).status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
