import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withPinnedNode } from './ensure-generated.ts';
import { hashFiles } from './hash-files.ts';
import { runTask } from './run-task.ts';

/** What the portal's build reads. */
const SOURCES = [
  'app',
  'core',
  'server',
  'verifier',
  'reader/element.ts',
  'reader/style.css',
  'tools/build',
  'tools/build-verifier.mjs',
  'prisma/schema.prisma',
  'proxy.ts',
  'next.config.ts',
  'postcss.config.mjs',
  'tsconfig.json',
  'package-lock.json',
];
const NOT_BUILT = /(?:\.(?:test|spec)\.tsx?|\.md|^server\/db\/generated)$|(?:^|\/)testing$/;
/** Written after a build that ended well; the build itself empties the folder around it. */
const STAMP = '.next/holdfast-stamp';

/** Whether the portal has to be built: there is no build, or its sources have changed since. */
export function needsBuild(root: string): boolean {
  const stampPath = path.join(root, STAMP);
  const isBuilt = existsSync(stampPath) && existsSync(path.join(root, '.next/BUILD_ID'));
  return !isBuilt || readFileSync(stampPath, 'utf8') !== sourcesHash(root);
}

/** Runs `next build`. Throws HoldfastError 'internal' with the end of its output when it fails, 'cancelled' on the signal. */
export async function buildPortal(root: string, signal: AbortSignal): Promise<void> {
  const stamp = sourcesHash(root);
  const env = { ...withPinnedNode(root), NODE_ENV: 'production' as const, NEXT_TELEMETRY_DISABLED: '1' };
  await runTask(process.execPath, [path.join(root, 'node_modules/next/dist/bin/next'), 'build'], {
    cwd: root,
    env,
    signal,
    sentence: 'The portal could not be built:',
  });
  // The page that checks evidence; app/verify hands it out.
  await runTask(process.execPath, [path.join(root, 'tools/build-verifier.mjs'), '.next/holdfast-verifier.html'], {
    cwd: root,
    env,
    signal,
    sentence: 'The page that checks evidence could not be built:',
  });
  writeFileSync(path.join(root, STAMP), stamp);
}

function sourcesHash(root: string): string {
  return hashFiles(root, SOURCES, (file) => NOT_BUILT.test(file));
}
