/** Password hashing with Node's own argon2id. At most two at a time: sign-in must not be a way to exhaust the machine. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HoldfastError } from '../../core/base/errors.ts';

const derive = promisify(argon2);
/** OWASP's minimum for argon2id. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const CONCURRENT_MAX = 2;
/** Who comes after these is told to come back: a flood of guesses must not grow a queue without end. */
const WAITING_MAX = 40;

let running = 0;
const queue: (() => void)[] = [];

async function limited<T>(work: () => Promise<T>): Promise<T> {
  if (queue.length >= WAITING_MAX) {
    throw new HoldfastError('rate_limited', 'Too many people sign in at this moment. Try again in a minute.');
  }
  // Again after waking: somebody who came in between may have taken the place.
  while (running >= CONCURRENT_MAX) await new Promise<void>((resolve) => queue.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    queue.shift()?.();
  }
}

/** `$a2id$memory,passes,parallelism$nonce$hash`, so that the cost can grow without losing old passwords. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const hash = await limited(() => derive('argon2id', { message: password, nonce, ...COST }));
  return `$a2id$${COST.memory},${COST.passes},${COST.parallelism}$${nonce.toString('base64url')}$${hash.toString('base64url')}`;
}

export async function isPasswordRight(password: string, stored: string): Promise<boolean> {
  const [, , cost = '', nonce = '', hash = ''] = stored.split('$');
  const [memory = COST.memory, passes = COST.passes, parallelism = COST.parallelism] = cost.split(',').map(Number);
  const wanted = Buffer.from(hash, 'base64url');
  const message = password;
  const got = await limited(() =>
    derive('argon2id', {
      message,
      nonce: Buffer.from(nonce, 'base64url'),
      memory,
      passes,
      parallelism,
      tagLength: wanted.length,
    }),
  );
  return timingSafeEqual(got, wanted);
}
