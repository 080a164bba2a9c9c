import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { adapterFactory } from './engine-adapter.mjs';
import { createDatabase } from './postgres-url.mjs';

/** Methods that the command line calls by another name than the engine has. */
const ALIASES = { getDatabaseVersion: 'version' };

/**
 * These two read the end state of the migrations from the engine's cache alone (else "PostgreSQL shadow DB must be provided
 * through an external factory"), and applying migrations empties that cache. So each call gets a fresh engine, and
 * `devDiagnostic` first, which fills the cache by way of our shadow database.
 */
const NEEDS_CACHE = new Set(['evaluateDataLoss', 'createMigration']);

/** `{ call(method, params), takePanic() }` */
export function createEngine({ datamodels, datasource }) {
  let panic;
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message(message) {
      panic = message;
    },
  };
  const wasmPath = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasmPath)), {
    './schema_engine_bg.js': glue,
  });
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start();

  async function withEngine(work) {
    const opened = [];
    const factory = adapterFactory(datasource.url || 'postgresql://localhost/none', datasource.shadowDatabaseUrl);
    const bound = bindMigrationAwareSqlAdapterFactory({
      ...factory,
      connect: async () => {
        const adapter = await factory.connect();
        opened.push(adapter);
        return adapter;
      },
    });
    const engine = await glue.SchemaEngine.new(
      { datamodels: datamodels.length > 0 ? datamodels : undefined },
      () => {},
      bound,
    );
    try {
      return await work(engine);
    } catch (error) {
      // The driver's own error waits in a registry under the number that the engine throws.
      const cause =
        typeof error?.code === 'number' ? bound.errorRegistry?.consumeError?.(error.code)?.error : undefined;
      throw cause === undefined ? error : Object.assign(new Error(cause.message), { cause });
    } finally {
      // The answer is known; a connection that is gone already needs no closing.
      for (const adapter of opened) await adapter.dispose().catch(() => {});
    }
  }

  return {
    async call(method, params) {
      if (method === 'createDatabase') {
        await createDatabase(datasource.url);
        return {};
      }
      return withEngine(async (engine) => {
        if (NEEDS_CACHE.has(method)) {
          await engine.devDiagnostic({ migrationsList: params.migrationsList, filters: params.filters });
        }
        return engine[ALIASES[method] ?? method](params);
      });
    },
    takePanic() {
      const message = panic;
      panic = undefined;
      return message;
    },
  };
}
