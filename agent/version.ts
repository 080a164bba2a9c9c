export const AGENT_VERSION = '0.1.0';
/** What was built, and when; tools/build-agent.mjs puts the commit in the place of these words. */
export const AGENT_BUILD: string = 'from source';
/** As snapshots name their writer. */
export const PROGRAM_VERSION = `holdfast ${AGENT_VERSION}`;
