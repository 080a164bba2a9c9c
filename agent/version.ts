export const AGENT_VERSION = '0.1.0';
/** As snapshots name their writer. */
export const PROGRAM_VERSION = `holdfast ${AGENT_VERSION}`;
