/** What stands before a manifest's text when it is signed, so that no signature of something else can pass for one. */
export const MANIFEST_PREFIX = 'holdfast-manifest-v1\n';
