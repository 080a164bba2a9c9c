/**
 * The whole environment of a child process: it inherits nothing beside it. What is undefined is left out, and the rest is written as
 * text. The types of Next.js demand NODE_ENV in every one.
 */
export function childEnvironment(
  variables: Readonly<Record<string, string | number | boolean | undefined>>,
): NodeJS.ProcessEnv {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) own[name] = String(value);
  return own as NodeJS.ProcessEnv;
}
