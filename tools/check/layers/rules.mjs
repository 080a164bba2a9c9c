/**
 * The arrows of docs/architecture.md as data. A file belongs to the first layer whose folder holds it (or whose file it is).
 *
 *   mayImport   layers besides its own; 'core' stands for every layer below core/
 *   packages    npm packages; a name ending in /* allows a scope
 *   builtins    'all', or 'no-network' (everything but modules that open connections or listen)
 *   noClock     Date.now, new Date() and Math.random are refused: time and chance come in by parameter
 */
const ALL_CORE = [
  'core/base',
  'core/base/native',
  'core/domain',
  'core/storage',
  'core/filesystem',
  'core/protocol',
  'core/evidence',
  'core/repository',
];
const SERVER = ['server', 'server/db', 'server/jobs', 'server/env', 'server/delivery'];

export const LAYERS = [
  // Foreign calls into OpenSSL's own hashing, docs/decisions/0013-hashes-side-by-side.md.
  { name: 'core/base/native', mayImport: ['core/base'], packages: ['koffi'], builtins: 'no-network', noClock: true },
  { name: 'core/base', mayImport: [], packages: [], builtins: 'no-network', noClock: true },
  { name: 'core/domain', mayImport: ['core/base'], packages: ['zod', 'croner'], builtins: 'no-network', noClock: true },
  {
    name: 'core/storage',
    mayImport: ['core/base'],
    packages: ['@google-cloud/storage'],
    builtins: 'no-network',
    noClock: true,
  },
  // Foreign calls into libc, docs/decisions/0009-libc-by-ffi.md: a wrong signature there can end the whole process.
  {
    name: 'core/filesystem/native',
    mayImport: ['core/base'],
    packages: ['koffi'],
    builtins: 'no-network',
    noClock: true,
  },
  {
    name: 'core/filesystem',
    mayImport: ['core/base', 'core/filesystem/native'],
    packages: [],
    builtins: 'no-network',
    noClock: true,
  },
  {
    name: 'core/protocol',
    mayImport: ['core/base', 'core/domain'],
    packages: ['zod'],
    builtins: 'no-network',
    noClock: true,
  },
  {
    name: 'core/evidence',
    mayImport: ['core/base', 'core/domain', 'core/protocol'],
    packages: ['zod'],
    builtins: 'no-network',
    noClock: true,
  },
  {
    name: 'core/repository',
    mayImport: ['core/base', 'core/base/native', 'core/storage', 'core/filesystem'],
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
  // Mail, docs/decisions/0016-mail-by-nodemailer.md.
  {
    name: 'server/delivery',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: ['nodemailer', 'zod'],
    builtins: 'all',
  },
  { name: 'server', mayImport: [...ALL_CORE, ...SERVER], packages: ['zod', 'pino', 'croner', 'yazl'], builtins: 'all' },

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
  {
    name: 'workers',
    mayImport: [...ALL_CORE, ...SERVER],
    packages: ['yazl', 'zod', 'pino', 'pdfkit', '@expo-google-fonts/*'],
    builtins: 'all',
  },
  { name: 'agent', mayImport: ALL_CORE, packages: ['zod', 'pino', 'croner'], builtins: 'all' },

  // A page that reads a repository: core alone, and nothing of Node (isBrowserFile).
  { name: 'reader', mayImport: ALL_CORE, packages: [], builtins: 'no-network' },
  // A page that checks evidence, and what it is made of.
  { name: 'verifier', mayImport: [...ALL_CORE, 'reader'], packages: [], builtins: 'no-network' },

  // What runs around the programs. Tools know no program: they start them as processes.
  { name: 'tools', mayImport: [...ALL_CORE, ...SERVER, 'tests'], packages: 'any', builtins: 'all' },
  { name: 'bench', mayImport: [...ALL_CORE, ...SERVER, 'workers', 'tools'], packages: 'any', builtins: 'all' },
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

/** Code that runs in a browser, and may reach nothing of Node: pages, and the read path's own entrances. */
export function isBrowserFile(file) {
  if (isTestFile(file)) return false;
  return (
    /\.client\.tsx?$/.test(file) ||
    file.startsWith('reader/') ||
    file.startsWith('verifier/') ||
    /^core\/[^/]+\/web\//.test(file)
  );
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
