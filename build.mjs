// `npm run build`: bundles the agent into one ESM file, all that an image or a host needs besides Node. Bundling is the
// largest lever on its resident memory, and what no one calls is left out of the bundle: each entry below says why that
// is never reached. Source and tests use the whole packages; `npm test` runs the bundle against a world as well.
import { chmodSync, statSync } from 'node:fs';
import { build } from 'esbuild';

/** In place of a package's own index, which loads all of it: just the parts that lib/ imports from it. */
const ENTRIES = {
  // Not: fetch, web sockets, mocks, caches, proxies, HTTP/2 (`allowH2: false`).
  undici: `
    const Dispatcher = require('undici/lib/dispatcher/dispatcher');
    Object.assign(Dispatcher.prototype, require('undici/lib/api'));
    exports.Agent = require('undici/lib/dispatcher/agent');
    exports.Client = require('undici/lib/dispatcher/client');`,
  // Not: the server, resolvers of names and load balancing: the runtime is one unix socket.
  // They require each other in a circle, which has to be entered where the index does.
  '@grpc/grpc-js': `
    require('@grpc/grpc-js/build/src/channel');
    exports.Client = require('@grpc/grpc-js/build/src/client').Client;
    require('@grpc/grpc-js/build/src/resolver-uds').setup();
    require('@grpc/grpc-js/build/src/load-balancer-pick-first').setup();
    exports.Metadata = require('@grpc/grpc-js/build/src/metadata').Metadata;
    exports.status = require('@grpc/grpc-js/build/src/constants').Status;
    exports.credentials = require('@grpc/grpc-js/build/src/channel-credentials').ChannelCredentials;`,
  // Not: the process's own metrics, which want OpenTelemetry, and clusters of processes.
  'prom-client': `
    exports.Gauge = require('prom-client/lib/gauge');
    exports.Registry = require('prom-client/lib/registry');`,
  // The kubeconfig is read by the one YAML parser that reads everything else.
  'js-yaml': `
    const { parse, stringify } = require('yaml');
    exports.load = (text) => parse(text, { merge: true });
    exports.dump = stringify;
    exports.default = exports;`,
};

/** Modules whose exports are never used, and their names. An object of one can be made, and has nothing to call. */
const UNUSED = [
  // client-node makes API clients of a kubeconfig; the agent asks with undici.
  [/client-node\/dist\/gen\/index\.js$/, ['createConfiguration', 'ServerConfiguration']],
  // An auth-provider of these is refused when the kubeconfig is read; kubelets have certificates.
  [/client-node\/dist\/azure_auth\.js$/, ['AzureAuth']],
  [/client-node\/dist\/gcp_auth\.js$/, ['GoogleCloudPlatformAuth']],
  [/client-node\/dist\/oidc_auth\.js$/, ['OpenIDConnectAuth']],
  [/\/node-fetch\//, ['Headers']],
  // A proxy-url is refused when the kubeconfig is read.
  [/\/socks-proxy-agent\//, ['SocksProxyAgent']],
  [/\/hpagent\//, ['HttpProxyAgent', 'HttpsProxyAgent']],
  [/undici\/lib\/web\/fetch\/body\.js$/, ['extractBody']],
  [/undici\/lib\/dispatcher\/client-h2\.js$/, ['ConnectH2']],
];

/**
 * A daemon that works for milliseconds every few seconds gains nothing from optimized code, and holds the compiler's
 * memory for it; the last two keep the heap near what lives in it.
 */
const V8_FLAGS = ['--liftoff-only', '--no-opt', '--optimize-for-size', '--max-semi-space-size=1'];

/** The oldest Node that the agent runs on. */
const NODE_MAJOR = 24;

const lean = {
  name: 'lean',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(undici|@grpc\/grpc-js|prom-client|js-yaml)$/ }, ({ path }) => ({
      path,
      namespace: 'entry',
    }));
    onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => ({
      contents: ENTRIES[path],
      resolveDir: import.meta.dirname,
    }));
    onLoad({ filter: /\/node_modules\// }, ({ path }) => {
      const unused = UNUSED.find(([pattern]) => pattern.test(path));
      if (unused === undefined) return undefined;
      const missing = unused[1].map((name) => `export class ${name} { isAuthProvider() { return false; } }`);
      return { contents: missing.join('\n'), loader: 'js' };
    });
  },
};

/**
 * Node's own modules are required, not imported: an import of a name that an older Node lacks fails before the first
 * line runs, and so before the one that says so.
 */
const builtIns = {
  name: 'built-ins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { external: true } : { path, namespace: 'built-in' },
    );
    onLoad({ filter: /.*/, namespace: 'built-in' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
  },
};

const outfile = 'dist/agent.mjs';
await build({
  entryPoints: ['cmd/agent.ts'],
  outfile,
  absWorkingDir: import.meta.dirname,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [lean, builtIns],
  // First the version of Node, while nothing of the bundle has run: what an older one lacks would end as a page of it.
  // Then the flags of V8; and CommonJS packages inside call require().
  banner: {
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as __createRequire } from 'node:module';",
      "import { setFlagsFromString as __flag } from 'node:v8';",
      `if (Number.parseInt(process.versions.node, 10) < ${NODE_MAJOR}) {`,
      `  console.error('agent: Node ${NODE_MAJOR} or newer is needed; this is ' + process.version + ' (' + process.execPath + ')');`,
      '  process.exit(1);',
      '}',
      `for (const flag of ${JSON.stringify(V8_FLAGS)}) __flag(flag);`,
      'const require = __createRequire(import.meta.url);',
    ].join('\n'),
  },
  logLevel: 'warning',
});
const bundle = new URL(outfile, import.meta.url);
chmodSync(bundle, 0o755);
console.error(`build: ${outfile}, ${(statSync(bundle).size / 1024 / 1024).toFixed(1)} MiB`);
