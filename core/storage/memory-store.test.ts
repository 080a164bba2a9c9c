import { createMemoryStore } from './memory-store.ts';
import { describeStore } from './testing/conformance.ts';

describeStore('memory', async () => {
  const store = createMemoryStore({ signing: { baseUrl: 'http://localhost', key: new Uint8Array(32) } });
  return { store, reopen: async () => store, close: async () => undefined };
});
