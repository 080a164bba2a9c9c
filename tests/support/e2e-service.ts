/**
 * Playwright's global set-up: the service by `npm start`, on a small folder, until its first backup is proven. With
 * HOLDFAST_E2E_DATA and HOLDFAST_E2E_PROTECT it uses folders that stay, so that a second run begins at once.
 */
import path from 'node:path';
import { E2E_ENVIRONMENT, type E2eService } from './e2e-environment.ts';
import { makeServiceFolders, TestService } from './start-service.ts';

export default async function setUpService(): Promise<() => Promise<void>> {
  const folders = makeServiceFolders();
  const dataPath = process.env.HOLDFAST_E2E_DATA ?? folders.dataPath;
  const protectPath = process.env.HOLDFAST_E2E_PROTECT ?? folders.protectPath;
  const service = await TestService.start({
    dataPath: path.resolve(dataPath),
    protectPath: path.resolve(protectPath),
    port: Number(process.env.HOLDFAST_E2E_PORT),
    gatewayPort: Number(process.env.HOLDFAST_E2E_GATEWAY_PORT),
    // Receivers and mail servers of the tests run on this machine.
    env: { HOLDFAST_OUTBOUND_LOOPBACK: 'allow' },
  });
  const tearDown = async (): Promise<void> => {
    await service.terminate();
    folders.remove();
  };
  try {
    await service.line(/^Proven /);
  } catch (error) {
    await tearDown();
    throw error;
  }
  const facts: E2eService = { url: service.url, dataPath, protectPath, signIns: service.signIns() };
  process.env[E2E_ENVIRONMENT] = JSON.stringify(facts);
  return tearDown;
}
