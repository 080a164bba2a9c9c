/**
 * What must work before anything is installed: plain JavaScript for Node 20 and newer, nothing but Node's own modules.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const NODE_MAJOR_MIN = 20;

/**
 * Runs `npm ci` when node_modules is not what package-lock.json asks for. Ends the process with a sentence when that fails.
 */
export function ensureInstalled(root) {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
    fail(
      `Holdfast needs Node ${NODE_MAJOR_MIN} or newer to install itself; this is ${process.version}. Install a newer Node.`,
    );
  }
  if (isInstalled(root)) return;
  console.log('Installing dependencies (npm ci); this takes about a minute the first time.');
  // npm tells its scripts where it lies; a script that is started without npm looks on PATH.
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const { status, error } = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error !== undefined) fail(`npm could not be started: ${error.message}. Run "npm ci" in ${root} and try again.`);
  if (status !== 0) {
    fail(
      `The dependencies could not be installed; npm's own words are above. Run "npm ci" in ${root} once the cause is mended, and try again.`,
    );
  }
  if (!isInstalled(root)) {
    fail(
      'npm ci ended well, but not everything that package-lock.json asks for is in node_modules. Remove node_modules and run "npm ci" without --omit.',
    );
  }
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes what it installed into a lock file of its own in
 * node_modules, at its end; the two are compared package by package. Only optional packages (of other platforms) may be missing.
 */
export function isInstalled(root) {
  const installedPath = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  let wanted;
  let installed;
  try {
    wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
    installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  } catch {
    return false;
  }
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === '') continue;
    const found = installed[name];
    if (
      found === undefined ? !isOptional(entry) : found.version !== entry.version || found.integrity !== entry.integrity
    )
      return false;
  }
  return Object.keys(installed).every((name) => wanted[name] !== undefined);
}

const isOptional = (entry) => entry.optional === true || entry.devOptional === true || entry.peer === true;

/** The Node that package.json pins, which npm installed as a platform package. */
export function pinnedNode(root) {
  return path.join(root, 'node_modules/.bin/node');
}

/**
 * Resolves true when this process already is the pinned Node. Otherwise runs `script` under it with the same arguments and
 * terminal, passes signals on, takes over its exit code, and resolves false.
 */
export async function runOnPinnedNode(root, script, args = process.argv.slice(2)) {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const name = `node-${process.platform}-${process.arch}`;
  const version = optionalDependencies[name];
  if (version !== undefined && process.version === `v${version}`) return true;
  const executable = pinnedNode(root);
  if (!existsSync(executable)) {
    // No package for this platform: a newer Node of the system will do.
    if (Number(process.versions.node.split('.')[0]) >= 24) return true;
    fail(`There is no pinned Node for ${process.platform} on ${process.arch}. Install Node 24 and try again.`);
  }
  await passOn(executable, [script, ...args], root);
  return false;
}

/** Runs a command in this terminal, passes signals on, and takes over its exit code. */
export function passOn(command, args, root) {
  const environment = {
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
  };
  const child = spawn(command, args, { stdio: 'inherit', env: environment });
  // A terminal's Ctrl-C reaches the child as well; the child takes two signals in a row as one.
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => [signal, () => child.kill(signal)]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`${command} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      process.exitCode = code ?? (signal === null ? 1 : 130);
      resolve();
    });
  });
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
