/** Mantine's own preset: `light-dark()`, nesting and breakpoint mixins in our style sheets. */
export default { plugins: { 'postcss-preset-mantine': {} } };
