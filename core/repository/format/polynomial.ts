/**
 * The chunker's polynomial over GF(2): irreducible, of degree 53, random and secret, for known cut points would tell which
 * known files a repository holds. Set-up only, so BigInt is fast enough.
 */

const DEGREE = 53n;

function degree(value: bigint): number {
  return value === 0n ? -1 : value.toString(2).length - 1;
}

export function polynomialModulo(value: bigint, divisor: bigint): bigint {
  const divisorDegree = degree(divisor);
  let rest = value;
  for (let gap = degree(rest) - divisorDegree; gap >= 0; gap = degree(rest) - divisorDegree)
    rest ^= divisor << BigInt(gap);
  return rest;
}

function multiplyModulo(a: bigint, b: bigint, divisor: bigint): bigint {
  let result = 0n;
  let left = a;
  for (let right = b; right > 0n; right >>= 1n) {
    if (right & 1n) result ^= left;
    left = polynomialModulo(left << 1n, divisor);
  }
  return polynomialModulo(result, divisor);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [left, right] = [a, b];
  while (right > 0n) [left, right] = [right, polynomialModulo(left, right)];
  return left;
}

/** Ben-Or's test: f has no factor of degree i when gcd(f, x^(2^i) - x) is 1, for every i up to half its degree. */
export function isIrreducible(polynomial: bigint): boolean {
  let power = 2n; // x, squared once a round
  for (let i = 1; i <= degree(polynomial) / 2; i += 1) {
    power = multiplyModulo(power, power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

export function randomPolynomial(): bigint {
  for (;;) {
    const bits = crypto.getRandomValues(new BigUint64Array(1))[0]! & ((1n << (DEGREE + 1n)) - 1n);
    const candidate = bits | (1n << DEGREE) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/** What restic, too, demands on opening: irreducible and of degree 53. */
export function isChunkerPolynomial(value: bigint): boolean {
  return BigInt(degree(value)) === DEGREE && isIrreducible(value);
}
