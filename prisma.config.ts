import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// Prisma's command line would download a binary for each of its commands; tools/schema-engine.mjs answers in its place.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL('./tools/schema-engine.mjs', import.meta.url));
process.env.CHECKPOINT_DISABLE ??= '1';
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= '1';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Commands that talk to no database (generate, validate) want an address all the same.
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://holdfast@127.0.0.1:5432/holdfast' },
});
