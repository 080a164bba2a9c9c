import { parseArgs } from 'node:util';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { enrol } from '../enrol/enrol.ts';
import { stateFiles } from '../state/state-files.ts';
import { clientFor, statePathOf } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const ENROLL_HELP = `holdfast enroll --server URL --token TOKEN [--state DIR] [--replace]

Makes this machine a device of the service. The token is made by the provider (portal: Settings, Enrol) and serves once.
  --server URL    address of the gateway, such as https://backup.example.com
  --token TOKEN   the enrolment token; "-" reads it from the standard input, and without it
                  HOLDFAST_ENROLMENT_TOKEN is used: both keep it out of the process list
  --state DIR     folder for the machine's identity (default: /var/lib/holdfast for root)
  --replace       give up an identity that is there; its files are kept beside

An enrolment that was interrupted is continued by the same command.`;

export async function enrollCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: { type: 'string' },
      token: { type: 'string' },
      state: { type: 'string' },
      replace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(ENROLL_HELP);
    return EXIT.done;
  }
  const serverUrl = parseServer(values.server);
  const given = values.token === '-' ? (await io.readInput()).trim() : (values.token ?? io.env.enrolmentToken);
  if (given === undefined || given === '') throw new UsageError('an enrolment token is missing: --token TOKEN');
  const statePath = statePathOf(io, values.state);
  const log = terminalLog(io);
  const identity = await enrol({
    statePath,
    serverUrl,
    token: given,
    isReplacing: values.replace,
    clientFor: (url, device) => clientFor(io, log, url, device),
    signal: io.signal,
  });
  io.out(`Enrolled as ${identity.deviceName} of ${identity.customerName}.`);
  io.out(`Recovery kit: ${stateFiles.recoveryKit(statePath)}`);
  io.out(
    '  Print it or put it in a password safe, then delete the file: it opens the backups without this machine and without us.',
  );
  io.out('Next: holdfast run (as a service), or holdfast backup (one backup now).');
  return EXIT.done;
}

function parseServer(text: string | undefined): string {
  if (text === undefined) throw new UsageError('the address of the service is missing: --server URL');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`"${text}" is no address; it should look like https://backup.example.com`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new UsageError(`"${text}" is no web address; it should begin with https://`);
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new UsageError('the address must not carry a user name, a query or a fragment');
  return url.href.replace(/\/+$/, '');
}
