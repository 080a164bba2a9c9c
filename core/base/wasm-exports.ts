/** A fresh instance of a module without imports, as its source declares it. @throws TypeError when it exports less than `names`. */
export function wasmExports<Exports extends object>(
  module: WebAssembly.Module,
  names: readonly (keyof Exports & string)[],
): Exports {
  const { exports } = new WebAssembly.Instance(module);
  if (!hasAll<Exports>(exports, names)) throw new TypeError(`the module lacks one of ${names.join(', ')}`);
  return exports;
}

function hasAll<Exports extends object>(
  exports: WebAssembly.Exports,
  names: readonly (keyof Exports & string)[],
): exports is WebAssembly.Exports & Exports {
  return names.every((name) => exports[name] !== undefined);
}
