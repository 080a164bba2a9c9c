import { hostname } from 'node:os';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';

/** What a person may say to `npm start`, all of it by the environment. */
export interface StartSettings {
  root: string;
  dataPath: string;
  port: number;
  gatewayPort: number;
  /** The folder that this machine's agent protects. */
  protectPath: string;
  deviceName: string;
}

export const START_USAGE = `npm start

Starts the whole service on this machine, with this machine as its first device, and prints the way from nothing to a
proven backup. Ctrl-C ends it; a second start finds its data again. Everything is said by the environment:

  PORT (3000)               where the portal listens
  GATEWAY_PORT (3001)       where agents report
  HOLDFAST_DATA (.holdfast) the data folder: databases, keys, store
  HOLDFAST_PROTECT (.)      the folder that this machine's agent backs up

.env.example has the rest.`;

/** Throws HoldfastError 'bad_request': an argument would otherwise be passed over, and a service started. */
export function refuseArguments(args: readonly string[]): void {
  const [first] = args;
  if (first !== undefined)
    throw new HoldfastError(
      'bad_request',
      `npm start takes no argument such as "${first}". Nothing was started. What can be set is shown by: npm start -- --help`,
    );
}

/** Throws HoldfastError 'bad_request' with a sentence that names the variable. */
export function readSettings(root: string, environment: Readonly<Record<string, string | undefined>>): StartSettings {
  const port = readPort('PORT', environment.PORT, 3000);
  const gatewayPort = readPort('GATEWAY_PORT', environment.GATEWAY_PORT, 3001);
  if (port === gatewayPort) {
    throw new HoldfastError('bad_request', `PORT and GATEWAY_PORT are both ${port}. Give one of them another number.`);
  }
  return {
    root,
    dataPath: path.resolve(root, textOr(environment.HOLDFAST_DATA, '.holdfast')),
    port,
    gatewayPort,
    protectPath: path.resolve(root, textOr(environment.HOLDFAST_PROTECT, '.')),
    deviceName: hostname(),
  };
}

const textOr = (text: string | undefined, fallback: string): string =>
  text === undefined || text === '' ? fallback : text;

function readPort(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new HoldfastError(
      'bad_request',
      `${name} is "${text}", which is no port. Set it to a number from 1 to 65535.`,
    );
  }
  return port;
}
