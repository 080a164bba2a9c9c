import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { hashFiles } from './hash-files.ts';

/** Made by `prisma generate`; not in git. */
const OUTPUT = 'server/db/generated';
const SOURCES = ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'];

/** Runs `prisma generate` when the client in server/db/generated is not that of the schema. Returns whether it ran. */
export async function ensureGenerated(root: string): Promise<boolean> {
  const stampPath = path.join(root, OUTPUT, '.stamp');
  const stamp = hashFiles(root, SOURCES);
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return false;
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules/prisma/build/index.js'), 'generate'],
    { cwd: root, encoding: 'utf8', env: withPinnedNode(root) },
  );
  if (status !== 0) {
    throw new HoldfastError(
      'internal',
      `The database client could not be generated from prisma/schema.prisma:\n${`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim()}`,
    );
  }
  writeFileSync(stampPath, stamp);
  return true;
}

/** The environment in which `#!/usr/bin/env node` finds the pinned Node. */
export function withPinnedNode(root: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH ?? ''}` };
}
