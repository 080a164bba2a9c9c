import type { SignIn } from './start-service.ts';

/** How the runner tells its workers what it has started. */
export const E2E_ENVIRONMENT = 'HOLDFAST_E2E_SERVICE';

export interface E2eService {
  url: string;
  dataPath: string;
  /** What is backed up: compare downloads with the files in it. */
  protectPath: string;
  /** hanna (owner), tomas (technician), maja (customer of this machine), sam (the other customer). */
  signIns: SignIn[];
}

/** The service that the global set-up has started. For tests in tests/e2e. */
export function e2eService(): E2eService {
  const text = process.env[E2E_ENVIRONMENT];
  if (text === undefined)
    throw new Error('There is no service: run these tests with "npx playwright test" or "npm test".');
  return JSON.parse(text) as E2eService;
}

/** The sign-in whose address begins with this name. */
export function signInOf(name: 'hanna' | 'tomas' | 'maja' | 'sam'): SignIn {
  const found = e2eService().signIns.find(({ email }) => email.startsWith(`${name}@`));
  if (found === undefined) throw new Error(`The seed made no sign-in for ${name}.`);
  return found;
}
