import { build } from 'vite';

/** A module and all that it imports as one module of text, which may stand inside of a page. */
export async function bundleForBrowser(entry) {
  const { output } = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      write: false,
      // Three years old; light-dark() in the style is the newest thing that the page needs.
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: entry, output: { format: 'es', codeSplitting: false } },
    },
  });
  const chunks = output.filter(({ type }) => type === 'chunk');
  if (chunks.length !== 1) throw new Error(`${entry} became ${chunks.length} modules instead of one`);
  // Inside of a page the first of these would end the program.
  return chunks[0].code.replaceAll('</script', '<\\/script').trim();
}
