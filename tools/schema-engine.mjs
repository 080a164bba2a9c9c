#!/usr/bin/env node
/**
 * Answers Prisma's command line in place of the native schema engine, which it would otherwise download. The command line
 * starts whatever PRISMA_SCHEMA_ENGINE_BINARY names (prisma.config.ts sets it) in one of two ways:
 *
 *   schema-engine --datamodels <file> … --datasource <json> cli can-connect-to-database|create-database|drop-database
 *   schema-engine --datamodels <file> … --datasource <json>          JSON-RPC, one message a line, on standard input and output
 *
 * The engine itself is the same, compiled to WebAssembly (@prisma/schema-engine-wasm). The protocol is not documented: the
 * version of Prisma is pinned exactly, and tools/schema-engine/schema-engine.db.test.ts runs the commands that we use.
 */
import { createInterface } from 'node:readline';
import { databaseCommand } from './schema-engine/database-command.mjs';
import { createEngine } from './schema-engine/engine.mjs';
import { parseArguments } from './schema-engine/parse-arguments.mjs';

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** What the command line shows as "Error: P…"; never as a panic, because on a panic without a terminal it is silent and exits 0. */
const rpcError = (message, code, meta = null) => ({
  code: 4466,
  message: 'An error happened. Check the data field for details.',
  data: { is_panic: false, message, error_code: code, meta },
});

async function serve(options) {
  const engine = createEngine(options);
  let currentId;
  // A panic inside the WebAssembly may surface outside of the call that caused it.
  process.on('uncaughtException', (error) => {
    send({ jsonrpc: '2.0', id: currentId, error: rpcError(engine.takePanic() ?? String(error?.stack ?? error)) });
    setTimeout(() => process.exit(1), 50);
  });

  async function answer(line) {
    const request = JSON.parse(line);
    if (!request.method) return; // the answer of the command line to our "print"
    currentId = request.id;
    try {
      const result = await engine.call(request.method, request.params);
      if (request.method === 'diff' && result.stdout != null) {
        send({ jsonrpc: '2.0', id: `print-${request.id}`, method: 'print', params: { content: result.stdout } });
        send({ jsonrpc: '2.0', id: request.id, result: { exitCode: result.exitCode, stdout: null } });
      } else send({ jsonrpc: '2.0', id: request.id, result: result ?? null });
    } catch (error) {
      const message = engine.takePanic() ?? error?.message ?? String(error);
      const code = typeof error?.code === 'string' ? error.code : error?.error_code;
      send({ jsonrpc: '2.0', id: request.id, error: rpcError(message, code, error?.meta) });
    }
  }

  let queue = Promise.resolve();
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    if (line.trim() !== '') queue = queue.then(() => answer(line));
  });
  input.on('close', () => void queue.then(() => process.exit(0)));
}

const options = parseArguments(process.argv.slice(2));
if (options.wantsVersion) console.log('schema-engine-wasm 7.10.0');
else if (options.command !== undefined) process.exitCode = await databaseCommand(options.command, options.datasource);
else await serve(options);
