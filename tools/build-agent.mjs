/**
 * Builds the agent as one file that needs Node.js 24 and nothing else: program, worker threads and WebAssembly in it. A shell
 * runs it too, by the lines at its head. koffi is native code and cannot be inside: where node_modules/koffi lies beside the
 * file it is used, elsewhere the agent says what metadata it cannot keep.
 *
 *   node tools/build-agent.mjs [file]      default: dist/holdfast-agent.mjs
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { lateBuiltins } from './build/late-builtins.mjs';
import { reachFrom, THREAD_START } from './build/find-threads.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'agent/main.ts';
const START = 'virtual:holdfast-agent';
/** How a thread is told which of the threads it is. */
const THREAD_ARGUMENT = '--holdfast-thread=';
const NODE_MAJOR_MIN = 24;
/** Native code; loaded at the first use, where it is. */
const OUTSIDE = ['koffi'];

/** The file as text. `label` is what --version says of the build. */
export async function buildAgent(label = buildLabel()) {
  const { threads, missed } = reachFrom(root, ENTRY);
  if (missed.length > 0)
    throw new Error(`the agent starts ${missed.join(', ')} by its path, which one file cannot hold`);
  const { output } = await build({
    configFile: false,
    root,
    logLevel: 'error',
    publicDir: false,
    plugins: [oneFile(threads), versionLabel(label), lateBuiltins()],
    ssr: { noExternal: true, external: OUTSIDE },
    build: {
      write: false,
      ssr: true,
      target: 'node24',
      // Names stay, so that the trace of a failure says where it was.
      minify: false,
      rolldownOptions: {
        input: START,
        output: { format: 'es', codeSplitting: false, minify: { compress: true, mangle: false, codegen: true } },
      },
    },
  });
  const chunks = output.filter(({ type }) => type === 'chunk');
  if (chunks.length !== 1 || output.length !== 1)
    throw new Error(`the agent became ${output.length} files instead of one`);
  const launcher = readFileSync(path.join(root, 'tools/build/agent-launcher.sh'), 'utf8');
  return `${launcher}${chunks[0].code}`;
}

/** The one file is the entry of its threads as well: it looks which of them it is asked to be. */
function oneFile(threads) {
  const places = threads.map(
    (file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(path.join(root, file))})`,
  );
  return {
    name: 'holdfast-one-file',
    enforce: 'pre',
    resolveId: (id) => (id === START ? `\0${START}` : undefined),
    load(id) {
      if (id !== `\0${START}`) return undefined;
      return `
        import { isMainThread } from 'node:worker_threads';
        if (Number(process.versions.node.split('.')[0]) < ${NODE_MAJOR_MIN}) {
          const found = 'found: ' + process.version + '. Install it, or set HOLDFAST_NODE to its path.';
          process.stderr.write('holdfast needs Node.js ${NODE_MAJOR_MIN} or newer; ' + found + '\\n');
          process.exit(1);
        }
        const threads = { ${places.join(', ')} };
        const asked = isMainThread ? undefined : process.argv.find((one) => one.startsWith('${THREAD_ARGUMENT}'));
        if (asked === undefined) await import(${JSON.stringify(path.join(root, ENTRY))});
        else await threads[asked.slice(${THREAD_ARGUMENT.length})]();
      `;
    },
    transform(code, id) {
      if (code.search(THREAD_START) === -1) return undefined;
      const folder = path.posix.dirname(path.relative(root, id));
      const own = code.replace(THREAD_START, (_, specifier) => {
        const file = path.posix.join(folder, specifier);
        if (!threads.includes(file)) throw new Error(`${id} starts a thread that was not found before: ${file}`);
        return `new Worker(new URL(import.meta.url), { argv: ['${THREAD_ARGUMENT}${file}'],`;
      });
      return { code: own, map: null };
    },
  };
}

/** Puts the build's own name in the place that agent/version.ts has for it. */
function versionLabel(label) {
  return {
    name: 'holdfast-version',
    enforce: 'pre',
    transform(code, id) {
      if (id !== path.join(root, 'agent/version.ts')) return undefined;
      const named = code.replace("'from source'", JSON.stringify(label));
      if (named === code) throw new Error('agent/version.ts has no place for the name of the build');
      return { code: named, map: null };
    },
  };
}

/** The commit and its day; a build of changed files says so. */
function buildLabel() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `build ${git('log', '-1', '--format=%h of %cs')}${isChanged ? ', changed' : ''}`;
  } catch {
    return 'build of unknown origin';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = path.resolve(process.argv[2] ?? path.join(root, 'dist/holdfast-agent.mjs'));
  const text = await buildAgent();
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  console.log(`${file}: ${text.length.toLocaleString('en')} bytes`);
}
