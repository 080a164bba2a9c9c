/** As evidence names the service that made it; the same as in package.json, which a test compares. */
export const SERVICE_VERSION = '0.1.0';
