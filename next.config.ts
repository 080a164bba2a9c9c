import type { NextConfig } from 'next';

/**
 * Headers that every answer of the portal carries, files included (S15). The content security policy of pages is set in
 * proxy.ts, because it needs a fresh nonce for each page.
 */
const headers = [
  { key: 'X-Content-Type-Options', value: 'nosniff' },
  { key: 'X-Frame-Options', value: 'DENY' },
  { key: 'Referrer-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
  { key: 'Permissions-Policy', value: 'camera=(), microphone=(), geolocation=(), payment=(), usb=()' },
  // Browsers ignore this over plain http, so a loopback installation is not locked out.
  { key: 'Strict-Transport-Security', value: 'max-age=63072000; includeSubDomains' },
];

const config: NextConfig = {
  // Types are checked for the whole project by `npm run check`; a start need not wait for tests to be type-checked.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  reactStrictMode: true,
  typedRoutes: false,
  // These stay outside the bundle: they load files of their own at run time.
  serverExternalPackages: [
    '@prisma/client',
    '@prisma/adapter-pg',
    'pg',
    'pino',
    'bullmq',
    'ioredis',
    '@google-cloud/storage',
  ],
  experimental: { optimizePackageImports: ['@mantine/core', '@mantine/hooks', '@mantine/notifications'] },
  turbopack: { root: import.meta.dirname },
  headers: async () => [{ source: '/:path*', headers }],
};

export default config;
