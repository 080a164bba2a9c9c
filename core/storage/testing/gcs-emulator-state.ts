/** What the emulated Google Cloud Storage holds, and the rules of writing to it. See gcs-emulator.ts. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { crc32cBase64 } from '../../base/crc32c.ts';

/** An answer other than success. `reason` is JSON's word, `xmlCode` that of the XML interface. */
export class GcsError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly xmlCode: string;

  constructor(status: number, message: string, reason: string, xmlCode: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.xmlCode = xmlCode;
  }
}

export interface GcsObject {
  readonly name: string;
  readonly bytes: Buffer;
  readonly generation: string;
  readonly crc32c: string;
  readonly md5: string;
  readonly contentType: string;
  readonly createdMs: number;
}

/** What the sender says about the bytes; the service compares. */
export interface UploadClaims {
  readonly contentType?: string | undefined;
  readonly crc32c?: string | undefined;
  readonly md5?: string | undefined;
}

export class GcsState {
  #buckets = new Map<string, Map<string, GcsObject>>();
  /** By bucket and name: until when. Only of buckets that were made with object retention. */
  #retained = new Map<string, number>();
  #lockable = new Set<string>();
  #clock: Clock;
  #generation: bigint;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#generation = BigInt(clock.nowMs()) * 1000n;
  }

  /** Makes the bucket one whose objects can be locked, which a real one must be from its beginning. */
  allowRetention(bucket: string): void {
    this.#lockable.add(bucket);
  }

  retain(bucket: string, name: string, untilMs: number): void {
    this.object(bucket, name);
    if (!this.#lockable.has(bucket))
      throw new GcsError(400, 'Object retention is not enabled for this bucket.', 'invalid', 'InvalidRequest');
    if (untilMs < (this.#retained.get(`${bucket}/${name}`) ?? 0))
      throw new GcsError(403, 'A locked retention cannot be made shorter.', 'forbidden', 'RetentionPolicyNotMet');
    this.#retained.set(`${bucket}/${name}`, untilMs);
  }

  #requireUnlocked(bucket: string, name: string): void {
    if ((this.#retained.get(`${bucket}/${name}`) ?? 0) > this.#clock.nowMs())
      throw new GcsError(
        403,
        `Object '${bucket}/${name}' is under retention.`,
        'retentionPolicyNotMet',
        'AccessDenied',
      );
  }

  createBucket(name: string): void {
    if (this.#buckets.has(name))
      throw new GcsError(409, 'You already own this bucket.', 'conflict', 'BucketAlreadyOwnedByYou');
    this.#buckets.set(name, new Map());
  }

  bucket(name: string): Map<string, GcsObject> {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined)
      throw new GcsError(404, 'The specified bucket does not exist.', 'notFound', 'NoSuchBucket');
    return bucket;
  }

  object(bucket: string, name: string): GcsObject {
    const object = this.bucket(bucket).get(name);
    if (object === undefined) throw new GcsError(404, `No such object: ${bucket}/${name}`, 'notFound', 'NoSuchKey');
    return object;
  }

  /** `wanted` is the value of ifGenerationMatch: '0' means that there must be no such object. */
  requireGeneration(bucket: string, name: string, wanted: string | null | undefined): void {
    if (wanted === null || wanted === undefined) return;
    if ((this.bucket(bucket).get(name)?.generation ?? '0') !== wanted)
      throw new GcsError(
        412,
        'At least one of the pre-conditions you specified did not hold.',
        'conditionNotMet',
        'PreconditionFailed',
      );
  }

  /** Precondition, checksums, then the object at once: nobody ever sees half of it. */
  write(
    bucket: string,
    name: string,
    bytes: Buffer,
    claims: UploadClaims,
    ifGenerationMatch: string | null | undefined,
  ): GcsObject {
    const objects = this.bucket(bucket);
    this.requireGeneration(bucket, name, ifGenerationMatch);
    this.#requireUnlocked(bucket, name);
    const crc32c = crc32cBase64(bytes);
    const md5 = createHash('md5').update(bytes).digest('base64');
    if (claims.crc32c !== undefined && claims.crc32c !== crc32c)
      throw new GcsError(
        400,
        `Provided CRC32C "${claims.crc32c}" doesn't match calculated CRC32C "${crc32c}".`,
        'invalid',
        'BadDigest',
      );
    if (claims.md5 !== undefined && claims.md5 !== md5)
      throw new GcsError(
        400,
        `Provided MD5 hash "${claims.md5}" doesn't match calculated MD5 hash "${md5}".`,
        'invalid',
        'BadDigest',
      );
    const object: GcsObject = {
      name,
      bytes,
      generation: String(++this.#generation),
      crc32c,
      md5,
      contentType: claims.contentType ?? 'application/octet-stream',
      createdMs: this.#clock.nowMs(),
    };
    objects.set(name, object);
    return object;
  }

  remove(bucket: string, name: string, ifGenerationMatch: string | null): void {
    this.object(bucket, name);
    this.requireGeneration(bucket, name, ifGenerationMatch);
    this.#requireUnlocked(bucket, name);
    this.bucket(bucket).delete(name);
  }

  /** Names in byte order after `after`, at most `max`. */
  page(bucket: string, prefix: string, after: string, max: number): { objects: GcsObject[]; isLast: boolean } {
    const names = [...this.bucket(bucket).keys()]
      .filter((name) => name.startsWith(prefix) && (after === '' || name > after))
      .sort(undefined);
    return {
      objects: names.slice(0, max).map((name) => this.object(bucket, name)),
      isLast: names.length <= max,
    };
  }
}
