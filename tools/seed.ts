/**
 * What `npm start` does by itself, for a service that is run by its parts: the first provider with two customers, their users
 * and policies, and a token that enrols a first machine. Prints the sign-ins once. Changes nothing where there is a provider.
 *
 *   DATABASE_SERVICE_URL=… HOLDFAST_ROOT_KEY_FILE=… [HOLDFAST_PROTECT=/home] node tools/seed.ts
 */
import { hostname } from 'node:os';
import { HoldfastError } from '../core/base/errors.ts';
import { loadEnv } from '../server/env.ts';
import { seedFirstStart } from '../server/seed/first-start.ts';
import { createServices } from '../server/services.ts';

try {
  const env = loadEnv();
  const services = createServices(env);
  try {
    const seed = await seedFirstStart(services, {
      protectPaths: [process.env.HOLDFAST_PROTECT || '/home'],
      excludes: [],
      deviceName: hostname(),
    });
    if (!seed.created) console.log('There is a provider already; nothing was changed.');
    for (const { role, name, email, password } of seed.signIns)
      console.log(`${email}  ${password}  (${name}, ${role})`);
    if (seed.enrolmentToken !== null) {
      console.log(
        `Within 24 hours, on the first machine: holdfast enroll --server ${env.HOLDFAST_GATEWAY_URL} --token ${seed.enrolmentToken}`,
      );
    }
  } finally {
    await services.close();
  }
} catch (error) {
  console.error(error instanceof HoldfastError ? error.message : error);
  process.exitCode = 1;
}
