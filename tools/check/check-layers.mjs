/**
 * Holds every import of the code against layers/rules.mjs.
 *
 *   node tools/check/check-layers.mjs [folder]      exit code 1 with one line per violation; 0 and a count when clean
 *
 * A checker that is green because it read nothing is a defect: no file, or no import in all files, fails too.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readImports } from './layers/read-imports.mjs';
import * as rules from './layers/rules.mjs';
import { listSourceFiles } from './list-source-files.mjs';

const CODE_FILE = /\.(?:[cm]?[jt]sx?)$/;

/** `{ files, imports, violations }`; a violation is `{ file, line, text }`. */
export function checkLayers(root) {
  const files = listSourceFiles(root);
  const violations = [];
  const report = (file, line, text) => violations.push({ file, line, text });
  if (files.length === 0) report('.', 0, 'no source file was found');
  const declared = declaredPackages(root);
  const parsed = new Map();
  for (const file of files) {
    try {
      parsed.set(file, readImports(file, readFileSync(path.join(root, file), 'utf8')));
    } catch (error) {
      report(file, 0, error.message);
    }
  }
  const graph = new Map();
  let imports = 0;
  for (const [file, { imports: found, touches }] of parsed) {
    const layer = rules.layerOf(file);
    if (layer === undefined) {
      report(file, 0, 'lies in a folder that no layer speaks of; add it to tools/check/layers/rules.mjs');
      continue;
    }
    const edges = [];
    graph.set(file, edges);
    for (const one of found) {
      imports += 1;
      const complaint = checkImport({ root, file, layer, one, declared, edges });
      if (complaint !== undefined) report(file, one.line, complaint);
    }
    for (const touch of touches) {
      const complaint = checkTouch(file, layer, touch);
      if (complaint !== undefined) report(file, touch.line, complaint);
    }
  }
  if (files.length > 0 && imports === 0) report('.', 0, 'not one import was read');
  for (const file of graph.keys()) if (rules.isBrowserFile(file)) checkBrowserFile(file, graph, report);
  return { files: files.length, imports, violations };
}

/** Records an edge of the graph, and returns what is wrong with it, if anything. */
function checkImport({ root, file, layer, one, declared, edges }) {
  const { specifier, isType, how, line } = one;
  const isTest = rules.isTestFile(file);
  const isFree = isTest || layer.packages === 'any';
  if (specifier === undefined) {
    return isFree ? undefined : `${how} of a computed name, which no check can follow; write the name out`;
  }
  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    const target = resolveRelative(root, file, specifier);
    if (target === undefined) return `imports ${specifier}, which does not exist`;
    if (!CODE_FILE.test(target)) return undefined;
    edges.push({ target, isType, line });
    return checkEdge(file, layer, target, isType, how);
  }
  const builtin = specifier.replace(/^node:/, '');
  if (specifier.startsWith('node:') || builtinModules.includes(builtin)) {
    edges.push({ target: `node:${builtin}`, isType, line });
    const isNetwork = rules.NETWORK_BUILTINS.includes(builtin.split('/')[0]);
    if (layer.builtins === 'no-network' && isNetwork && !isTest) {
      return `${layer.name} may not import ${specifier}: core/ knows no network; take a port`;
    }
    return undefined;
  }
  return checkPackage(layer, packageName(specifier), isFree, declared);
}

function checkEdge(file, layer, target, isType, how) {
  const targetLayer = rules.layerOf(target);
  if (targetLayer === undefined) return `imports ${target}, which lies in no layer`;
  const isTest = rules.isTestFile(file);
  if (rules.isTestFile(target) && !isTest && layer.name !== 'tools' && layer.name !== 'bench') {
    return `imports ${target}, which is for tests alone`;
  }
  // Tests of every layer stand on tests/support, and some test what a tool makes.
  if (isTest && (targetLayer.name === 'tests' || targetLayer.name === 'tools')) return undefined;
  if (target.startsWith(rules.GENERATED_CLIENT) && layer.name !== 'server/db' && !isType && !isTest) {
    return `imports ${target}: only server/db touches Prisma's client`;
  }
  if (layer.mayImport === 'any' || targetLayer.name === layer.name) return undefined;
  // A program is started as a process by its path; that is not an import.
  if (how === 'new URL' && (layer.name === 'tools' || layer.name === 'bench')) return undefined;
  if (layer.mayImport.includes(targetLayer.name)) return undefined;
  return `${layer.name} may not import ${targetLayer.name} (${target})`;
}

function checkPackage(layer, name, isFree, declared) {
  if (!declared.has(name)) return `imports ${name}, which package.json does not list`;
  if (isFree) return undefined;
  if (rules.TEST_PACKAGES.includes(name)) return `imports ${name}, which is for tests alone`;
  const isAllowed = layer.packages.some((one) =>
    one.endsWith('/*') ? name.startsWith(one.slice(0, -1)) : one === name,
  );
  return isAllowed ? undefined : `${layer.name} may not import the package ${name}`;
}

function checkTouch(file, layer, { what }) {
  if (rules.isTestFile(file)) return undefined;
  if (what.startsWith('process.env')) {
    if (rules.ENVIRONMENT_LAYERS.includes(layer.name) || rules.ENVIRONMENT_READERS.includes(file)) return undefined;
    // The bundler replaces this one by a constant.
    if (what === 'process.env.NODE_ENV' && layer.name === 'app') return undefined;
    return `reads process.env; only ${rules.ENVIRONMENT_READERS.join(' and ')} may`;
  }
  if (layer.noClock === true && file !== rules.CLOCK_FILE) {
    return `uses ${what}; in core/ time and chance come in by parameter (${rules.CLOCK_FILE})`;
  }
  return undefined;
}

/** Whatever a browser file reaches by imports that stay in the code, it ships; types are erased, and may come from anywhere. */
function checkBrowserFile(start, graph, report) {
  const queue = [{ file: start, line: 0, way: [start] }];
  const seen = new Set([start]);
  for (const { file, line: firstLine, way } of queue) {
    for (const { target, isType, line } of graph.get(file) ?? []) {
      if (isType) continue;
      if (target.startsWith('node:') || target.startsWith('server/')) {
        report(start, firstLine || line, `runs in a browser and reaches ${target} (${[...way, target].join(' → ')})`);
      } else if (!seen.has(target)) {
        seen.add(target);
        queue.push({ file: target, line: firstLine || line, way: [...way, target] });
      }
    }
  }
}

function resolveRelative(root, file, specifier) {
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier.replace(/[?#].*$/, '')));
  // Generated code is not there before `prisma generate`; the compiler reports a name that it does not have.
  if (target.startsWith(rules.GENERATED_CLIENT)) return target;
  // Browser bundlers and type-only code may leave the ending away.
  return ['', '.ts', '.tsx', '/index.ts'].map((ending) => target + ending).find((one) => isFile(path.join(root, one)));
}

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

const packageName = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function declaredPackages(root) {
  const text = existsSync(path.join(root, 'package.json'))
    ? readFileSync(path.join(root, 'package.json'), 'utf8')
    : '{}';
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text);
  return new Set(Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url));
  const { files, imports, violations } = checkLayers(root);
  for (const { file, line, text } of violations) console.error(`${file}:${line}: ${text}`);
  console.log(`${imports} imports in ${files} files, ${violations.length} violations`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
