import { isBuiltin } from 'node:module';
import { parseSync } from 'oxc-parser';

/**
 * Modules of Node are taken when the module that needs them begins to run, not when the file is loaded: in one file all
 * imports stand at its head, and `--version` would wait for http and tls.
 */
export function lateBuiltins() {
  return {
    name: 'holdfast-late-builtins',
    enforce: 'post',
    transform(code, id) {
      if (!/from\s*['"]/.test(code) || id.includes('\0')) return undefined;
      const { program } = parseSync(id.replace(/\.[cm]?ts.*$/, '.mjs'), code, { sourceType: 'module' });
      let own = code;
      // From the end on, so that earlier places stay where they are.
      for (const node of program.body.toReversed()) {
        if (node.type !== 'ImportDeclaration' || !isBuiltin(node.source.value)) continue;
        own = `${own.slice(0, node.start)}${takenLate(node)}${own.slice(node.end)}`;
      }
      return own === code ? undefined : { code: own, map: null };
    },
  };
}

function takenLate({ source, specifiers }) {
  const module = `process.getBuiltinModule(${JSON.stringify(source.value)})`;
  const named = specifiers.filter(({ type }) => type === 'ImportSpecifier');
  const whole = specifiers.filter(({ type }) => type !== 'ImportSpecifier');
  const lines = whole.map(({ local }) => `const ${local.name} = ${module};`);
  if (named.length > 0) {
    const names = named.map(
      ({ imported, local }) => `${imported.name ?? JSON.stringify(imported.value)}: ${local.name}`,
    );
    lines.push(`const { ${names.join(', ')} } = ${module};`);
  }
  return lines.join(' ');
}
