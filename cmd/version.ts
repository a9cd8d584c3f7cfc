// The version of package.json, put in by the build.

import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
