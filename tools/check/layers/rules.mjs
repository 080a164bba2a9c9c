/**
 * The arrows of docs/architecture.md as data. A file belongs to the first layer whose folder holds it (or whose file it is).
 *
 *   mayImport   layers besides its own; 'core' stands for every layer below core/
 *   packages    npm packages; a name ending in /* allows a scope
 *   builtins    'all', or 'no-network' (everything but modules that open connections or listen)
 *   noClock     Date.now, new Date() and Math.random are refused: time and chance come in by parameter
 */
const ALL_CORE = ['core/base', 'core/domain', 'core/storage', 'core/filesystem', 'core/protocol', 'core/repository'];
const SERVER = ['server', 'server/db', 'server/jobs', 'server/env'];

export const LAYERS = [
  { name: 'core/base', mayImport: [], packages: [], builtins: 'no-network', noClock: true },
  { name: 'core/domain', mayImport: ['core/base'], packages: ['zod', 'croner'], builtins: 'no-network', noClock: true },
  {
    name: 'core/storage',
    mayImport: ['core/base'],
    packages: ['@google-cloud/storage'],
    builtins: 'no-network',
    noClock: true,
  },
  { name: 'core/filesystem', mayImport: ['core/base'], packages: ['koffi'], builtins: 'no-network', noClock: true },
  {
    name: 'core/protocol',
    mayImport: ['core/base', 'core/domain'],
    packages: ['zod'],
    builtins: 'no-network',
    noClock: true,
  },
  {
    name: 'core/repository',
    mayImport: ['core/base', 'core/storage', 'core/filesystem'],
    packages: [],
    builtins: 'no-network',
    noClock: true,
  },

  { name: 'server/env', file: 'server/env.ts', mayImport: ALL_CORE, packages: ['zod'], builtins: 'all' },
  {
    name: 'server/db',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: ['@prisma/client', '@prisma/adapter-pg', 'pg'],
    builtins: 'all',
  },
  {
    name: 'server/jobs',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: ['bullmq', 'ioredis', 'pg', 'zod'],
    builtins: 'all',
  },
  { name: 'server', mayImport: [...ALL_CORE, ...SERVER], packages: ['zod', 'pino', 'croner'], builtins: 'all' },

  {
    name: 'app',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: [
      'next',
      'next-auth',
      'react',
      'react-dom',
      '@mantine/*',
      '@tabler/icons-react',
      '@tanstack/*',
      '@fontsource-variable/*',
      'recharts',
      'zod',
    ],
    builtins: 'all',
  },
  { name: 'app', file: 'proxy.ts', mayImport: [], packages: ['next'], builtins: 'all' },
  {
    name: 'gateway',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: ['hono', '@hono/node-server', 'zod', 'pino'],
    builtins: 'all',
  },
  { name: 'workers', mayImport: [...ALL_CORE, ...SERVER], packages: ['yazl', 'zod', 'pino'], builtins: 'all' },
  { name: 'agent', mayImport: ALL_CORE, packages: ['zod', 'pino', 'croner'], builtins: 'all' },

  // What runs around the programs. Tools know no program: they start them as processes.
  { name: 'tools', mayImport: [...ALL_CORE, ...SERVER, 'tests'], packages: 'any', builtins: 'all' },
  { name: 'bench', mayImport: [...ALL_CORE, 'tools'], packages: 'any', builtins: 'all' },
  { name: 'tests', mayImport: 'any', packages: 'any', builtins: 'all' },
  { name: 'configuration', folder: '', mayImport: ['tools'], packages: 'any', builtins: 'all' },
];

/** Modules that open connections or listen; core/ talks to the world through the ports that it is given. */
export const NETWORK_BUILTINS = ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'dns', 'inspector', 'cluster'];

/** What tests import and programs never may. */
export const TEST_PACKAGES = ['vitest', 'fast-check', '@playwright/test', '@axe-core/playwright', 'vite'];

/** The only places that may read the environment, besides tools, benchmarks, tests and configuration files. */
export const ENVIRONMENT_READERS = ['server/env.ts', 'agent/env.ts'];
export const ENVIRONMENT_LAYERS = ['tools', 'bench', 'tests', 'configuration'];

/** The only place in core/ that asks the machine for the time. */
export const CLOCK_FILE = 'core/base/clock.ts';

/** Where the generated client of Prisma lies; types of it are free, values are for server/db alone. */
export const GENERATED_CLIENT = 'server/db/generated/';

/** Tests, and what exists for tests: they may import test packages and tests/, and nothing else may import them. */
export function isTestFile(file) {
  return /\.(?:test|spec)\.tsx?$/.test(file) || file.startsWith('tests/') || /(?:^|\/)testing\//.test(file);
}

/** Code that runs in a browser. */
export function isBrowserFile(file) {
  return /\.client\.tsx?$/.test(file);
}

/** The layer of a file, or undefined when no rule speaks of its folder. */
export function layerOf(file) {
  const own = LAYERS.find((layer) => layer.file === file);
  if (own !== undefined) return own;
  const folder = LAYERS.find(
    (layer) => layer.file === undefined && layer.folder !== '' && file.startsWith(`${layer.name}/`),
  );
  if (folder !== undefined) return folder;
  return file.includes('/') ? undefined : LAYERS.find((layer) => layer.folder === '');
}
