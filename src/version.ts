/** The version of the package; a test holds it to package.json, which the built files may be far away from. */
export const VERSION = '0.1.0'
