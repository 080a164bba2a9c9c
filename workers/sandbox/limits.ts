/** The bounds of one sandbox child. It parses what customers' machines sent; none of this may cost the worker more. */
export const SANDBOX_LIMITS = {
  /** V8's heap; blobs and packs lie outside of it. */
  heapMiB: 384,
  /** Resident memory, watched from outside. */
  residentBytes: 1024 * 1024 * 1024,
  residentCheckMs: 250,
  cpuSeconds: 900,
  /** Of a child with the programs that it starts. */
  processes: 256,
  openFiles: 1024,
  /** Of one message of the child: a listing is the largest. */
  headerBytes: 24 * 1024 * 1024,
  /** Of one read; an index file is the largest whole object. */
  readBytes: 256 * 1024 * 1024,
  /** Requests that wait for an answer. */
  pendingRequests: 64,
  /** Error text that is kept for the log. */
  stderrBytes: 16 * 1024,
  /** After the polite signal. */
  killAfterMs: 2000,
} as const;

/** The child's descriptor of the file in which it finds large bodies (body-places.ts). */
export const BODIES_DESCRIPTOR = 5;

/** In the scratch folder of a child that starts a system: what the screen showed last, as a PPM. */
export const PICTURE_FILE = 'screen.ppm';
