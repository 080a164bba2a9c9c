import { parseSync, Visitor } from 'oxc-parser';

/**
 * What one file imports and what of the machine it touches, by a real parser.
 *
 * Returns `{ imports, touches }`:
 *   imports   { specifier, isType, line, how } for import, export-from, import(), require(), import types, and files named by
 *             `new URL('./x.ts', import.meta.url)` (workers and child processes); specifier is undefined where it is computed
 *   touches   { what: 'process.env' | 'process.env.NODE_ENV' | 'Date.now' | 'new Date()' | 'Math.random', line }
 *
 * Throws when the file cannot be parsed: a file that was not read must not count as clean.
 */
export function readImports(file, text) {
  const { program, errors } = parseSync(file, text);
  const fatal = errors.filter((error) => error.severity === 'Error');
  if (fatal.length > 0) throw new Error(`${file} cannot be parsed: ${fatal[0].message}`);
  const imports = [];
  const touches = [];
  const lineOf = lineFinder(text);
  const addImport = (node, source, how, isType = false) =>
    imports.push({ specifier: literalText(source), isType, how, line: lineOf(node.start) });
  const touch = (node, what) => touches.push({ what, line: lineOf(node.start) });

  new Visitor({
    ImportDeclaration(node) {
      addImport(node, node.source, 'import', isTypeImport(node));
      if (['process', 'node:process'].includes(literalText(node.source)) && namesEnvironment(node))
        touch(node, 'process.env');
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return;
      const isType =
        node.exportKind === 'type' ||
        (node.specifiers.length > 0 && node.specifiers.every((one) => one.exportKind === 'type'));
      addImport(node, node.source, 'export', isType);
    },
    ExportAllDeclaration(node) {
      addImport(node, node.source, 'export', node.exportKind === 'type');
    },
    ImportExpression(node) {
      addImport(node, node.source, 'import()');
    },
    TSImportType(node) {
      addImport(node, node.source ?? node.argument?.literal ?? node.argument, 'import type', true);
    },
    TSImportEqualsDeclaration(node) {
      if (node.moduleReference.type === 'TSExternalModuleReference') {
        addImport(node, node.moduleReference.expression, 'require', node.importKind === 'type');
      }
    },
    CallExpression(node) {
      if (isRequire(node.callee)) addImport(node, node.arguments[0], 'require');
    },
    NewExpression(node) {
      if (isNamed(node.callee, 'Date') && node.arguments.length === 0) touch(node, 'new Date()');
      const [first, second] = node.arguments;
      const text = literalText(first);
      const isBesideThis = second?.type === 'MemberExpression' && second.object.type === 'MetaProperty';
      if (isNamed(node.callee, 'URL') && isBesideThis && text !== undefined && /\.[cm]?[jt]sx?$/.test(text)) {
        addImport(node, { type: 'Literal', value: text.startsWith('.') ? text : `./${text}` }, 'new URL');
      }
    },
    MemberExpression(node) {
      const name = memberName(node);
      if (name === 'now' && isNamed(node.object, 'Date')) touch(node, 'Date.now');
      if (name === 'random' && isNamed(node.object, 'Math')) touch(node, 'Math.random');
      // The inner expression of process.env.NODE_ENV is visited as well; the outer one is told apart by its end.
      if (name === 'env' && isProcess(node.object)) {
        touch(node, /^\??\.NODE_ENV\b/.test(text.slice(node.end)) ? 'process.env.NODE_ENV' : 'process.env');
      }
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || node.init === null || !isProcess(node.init)) return;
      if (node.id.properties.some((one) => one.type === 'RestElement' || one.key.name === 'env'))
        touch(node, 'process.env');
    },
  }).visit(program);
  return { imports, touches };
}

function isTypeImport(node) {
  if (node.importKind === 'type') return true;
  return node.specifiers.length > 0 && node.specifiers.every((one) => one.importKind === 'type');
}

/** `import { env } from 'node:process'`; a default or namespace import is caught where `.env` is read from `process`. */
function namesEnvironment(node) {
  return node.specifiers.some((one) => {
    if (one.type !== 'ImportSpecifier') return one.local.name !== 'process';
    return (one.imported.name ?? one.imported.value) === 'env';
  });
}

function isNamed(node, name) {
  if (node.type === 'Identifier') return node.name === name;
  return node.type === 'MemberExpression' && isNamed(node.object, 'globalThis') && memberName(node) === name;
}

const isProcess = (node) => isNamed(node, 'process');

/** `require(…)`, `require.resolve(…)`, `module.require(…)` and `createRequire(import.meta.url)(…)`. */
function isRequire(callee) {
  if (callee.type === 'Identifier') return callee.name === 'require';
  if (callee.type === 'MemberExpression') {
    const isResolve = memberName(callee) === 'resolve' && isRequire(callee.object);
    return isResolve || memberName(callee) === 'require';
  }
  if (callee.type !== 'CallExpression' || !isNamed(callee.callee, 'createRequire')) return false;
  // Made for another package's file, it resolves what that package depends on.
  const [base] = callee.arguments;
  return base?.type === 'MemberExpression' && base.object.type === 'MetaProperty';
}

function memberName(node) {
  if (!node.computed) return node.property.name;
  return literalText(node.property);
}

/** The text of a string or of a template without holes; undefined for anything computed. */
function literalText(node) {
  if (node === undefined || node === null) return undefined;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0].value.cooked;
  if (node.type === 'TSLiteralType') return literalText(node.literal);
  return undefined;
}

function lineFinder(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
