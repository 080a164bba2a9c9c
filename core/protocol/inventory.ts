/**
 * What a machine says of itself beside its backups: how full its fixed volumes are, and which database servers run on it. A message of
 * its own: one that is refused costs the figures of coverage, while a heartbeat that is refused would cost the backups.
 */
import { z } from 'zod';

export const VOLUMES_MAX = 128;
export const DATABASES_MAX = 64;

/** Shown to people and compared with a policy: absolute, and nothing in it that a terminal or a page would obey. */
const place = z
  .string()
  .min(1)
  .max(512)
  .startsWith('/')
  .regex(/^\P{C}+$/u);
const bytes = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const volume = z
  .strictObject({
    mountPoint: place,
    fileSystem: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/),
    /** Null: the file system did not answer. Then nothing can be said of the machine as a whole. */
    usedBytes: bytes.nullable(),
    sizeBytes: bytes.nullable(),
  })
  .refine(({ usedBytes, sizeBytes }) => usedBytes === null || sizeBytes === null || usedBytes <= sizeBytes, {
    message: 'A volume holds more than its size.',
  });

const database = z
  .strictObject({
    kind: z.enum(['postgres', 'mysql']),
    /** PostgreSQL: the folder of its Unix socket; MySQL and MariaDB: the socket. Null: none can be seen. */
    socket: place.nullable(),
    port: z.int().min(1).max(65_535).nullable(),
    dataFolder: place.nullable(),
    /** It runs in another file system than the agent: the name of its machine there, or the container's. */
    container: z
      .string()
      .min(1)
      .max(128)
      .regex(/^\P{C}+$/u)
      .nullable(),
  })
  .refine((one) => [one.socket, one.port, one.dataFolder, one.container].some((place) => place !== null), {
    message: 'A database server without any place cannot be told from another.',
  });

/** POST /agent/v1/inventory, since revision 2. Null: this machine cannot tell, which is not the same as none. */
export const inventoryRequest = z.strictObject({
  volumes: z
    .array(volume)
    .max(VOLUMES_MAX)
    .refine((all) => new Set(all.map(({ mountPoint }) => mountPoint)).size === all.length, {
      message: 'A volume is named twice.',
    })
    .refine((all) => Number.isSafeInteger(all.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0)), {
      message: 'No machine is as large as that.',
    })
    .nullable(),
  databases: z.array(database).max(DATABASES_MAX).nullable(),
});

export type Inventory = z.infer<typeof inventoryRequest>;
export type FoundVolume = z.infer<typeof volume>;
export type FoundDatabase = z.infer<typeof database>;
