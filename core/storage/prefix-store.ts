import type { ListedObject, ObjectInfo, ReadStore } from './port.ts';

/** A view of one folder of a store: a vault's repository is `prefixStore(store, vault.prefix)`. Reading only. */
export function prefixReadStore(store: ReadStore, prefix: string): ReadStore {
  const root = prefix.endsWith('/') ? prefix : `${prefix}/`;
  const strip = <T extends ListedObject>(object: T): T => ({ ...object, key: object.key.slice(root.length) });
  return {
    head: async (key): Promise<ObjectInfo | undefined> => {
      const info = await store.head(root + key);
      return info === undefined ? undefined : strip(info);
    },
    get: (key, range, room) => store.get(root + key, range, room),
    stream: (key) => store.stream(root + key),
    async *list(inner) {
      for await (const object of store.list(root + inner)) yield strip(object);
    },
  };
}
