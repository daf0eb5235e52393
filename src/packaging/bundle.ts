/**
 * Bundles the program into one flat folder of JavaScript (`npm run build`), and for a package the SDKs of clouds into a few files that
 * lie where Node looks for them. Run by itself it does the first: `node src/packaging/bundle.ts FOLDER`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Scripts that a process or a thread begins with. */
const ENTRIES = [
  'src/bin/command-line.ts',
  'src/platform/worker-entry.ts',
  'src/platform/program-thread.ts',
  'src/group/corosync/corosync-worker.ts',
  'src/bin/isolated-thread.ts',
  'src/witness/witness-thread.ts',
  'src/lab/client-process.ts',
  'src/lab/watcher-process.ts',
];

/** What a start of the agent waits for is one file each, for every further one takes a millisecond: the program's beginning, and two threads. */
const AWAITED = ['src/bin/wackamole.ts', 'src/group/embedded-worker.ts', 'src/bin/config-thread.ts'];

/** And the agent, with all that its main thread may ever load, so that each module is there once. */
const AGENT = 'src/bin/agent.ts';

/** Another of these files, wherever it is loaded from. */
const LOADED_LATER: Plugin = {
  name: 'loaded later',
  setup(hooks) {
    hooks.onResolve({ filter: /^\.\/(?:agent|command-line)\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: path.replace(/ts$/, 'js'), external: true } : undefined,
    );
  },
};

/** Providers that have a thread of their own are loaded there. */
const ELSEWHERE: Plugin = {
  name: 'elsewhere',
  setup(hooks) {
    hooks.onResolve({ filter: /\/providers\/(?:aws|gcp|package)\// }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, namespace: 'elsewhere' } : undefined,
    );
    hooks.onLoad({ filter: /.*/, namespace: 'elsewhere' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is no code of the main thread`)});`,
    }));
  },
};

/**
 * The native part of koffi, without the way there: to look for it takes a thread 5 ms, as long as all else of a start that is not our code.
 * Where it is not in our own folder, or cannot be loaded (musl), koffi looks itself.
 */
const NATIVE_AT_ONCE: Plugin = {
  name: 'native part at once',
  setup(hooks) {
    hooks.onResolve({ filter: /^koffi$/ }, ({ namespace }) =>
      namespace === 'koffi' ? undefined : { path: 'koffi', namespace: 'koffi' },
    );
    hooks.onLoad({ filter: /.*/, namespace: 'koffi' }, () => ({
      contents: `
        import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        const machine = process.arch;
        function native() {
          try {
            return require(\`../node_modules/@koromix/koffi-linux-\${machine}/linux_\${machine}/koffi.node\`);
          } catch {
            return require('koffi');
          }
        }
        export default native();
      `,
      resolveDir: ROOT,
    }));
  },
};

/** `import` alone does not reach what is written for `require`. */
const REQUIRE =
  "import{createRequire as makeRequire__}from'node:module';const require=makeRequire__(import.meta.url);";

/** Folders below `node_modules` of the npm packages whose code is in what was bundled. */
export type Bundled = ReadonlySet<string>;

export async function bundleProgram(folder: string): Promise<Bundled> {
  const options = {
    outdir: folder,
    entryNames: '[name]',
    external: ['@aws-sdk/*', '@google-cloud/*', 'google-auth-library'],
  };
  const entries = (paths: readonly string[]) => ({ entryPoints: paths.map((path) => join(ROOT, path)) });
  const plugins = [LOADED_LATER, NATIVE_AT_ONCE];
  const bundled = [
    await bundle({ ...options, ...entries(ENTRIES), plugins }),
    await bundle({ ...options, ...entries(AWAITED), splitting: false, plugins }),
    await bundle({ ...options, ...entries([AGENT]), splitting: false, plugins: [...plugins, ELSEWHERE] }),
  ];
  writeFileSync(join(folder, 'build-id'), identityOf(folder));
  return new Set(bundled.flatMap((packages) => [...packages]));
}

/** Of all that was built, by which a program knows what it itself has left (`buildIdentity`). */
function identityOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.js'))
    .toSorted())
    hash.update(`${name}:`).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

/** An npm package that is loaded where a cloud is configured: what is loaded of it. */
interface Sdk {
  readonly name: string;
  /** Below the package; absent: its main file. */
  readonly files?: readonly string[];
}

const GCP_CLIENTS = [
  'instances',
  'zone_operations',
  'global_operations',
  'routes',
  'addresses',
  'subnetworks',
];

const SDKS: readonly Sdk[] = [
  { name: '@aws-sdk/client-ec2' },
  { name: '@aws-sdk/client-sts' },
  { name: '@aws-sdk/client-dynamodb' },
  { name: '@aws-sdk/client-s3' },
  { name: 'google-auth-library' },
  { name: 'google-gax' },
  { name: '@google-cloud/compute', files: GCP_CLIENTS.map((client) => `build/src/v1/${client}_client.js`) },
];

/** What they share; a folder that Node takes for a package. */
const SHARED = 'wackamole-sdks';

/** Into `folder`, a `node_modules`. They share what they have in common. */
export async function bundleSdks(folder: string): Promise<Bundled> {
  const modules = SDKS.flatMap(({ name, files = ['index.js'] }) =>
    files.map((file) => ({ id: files[0] === 'index.js' ? name : `${name}/${file}`, out: `${name}/${file}` })),
  );
  const entries = await Promise.all(modules.map(async ({ id, out }) => [out, await reExport(id)] as const));
  const reExports = new Map(entries);
  const bundled = await bundle({
    entryPoints: Object.fromEntries(
      [...reExports.keys()].map((out) => [out.replace(/\.js$/, ''), `re-export:${out}`]),
    ),
    outdir: folder,
    chunkNames: `${SHARED}/[name]-[hash]`,
    mainFields: ['module', 'main'],
    // Old modules ask for it to find files of theirs, of which what we load opens none.
    banner: { js: `${REQUIRE}const __dirname=import.meta.dirname;` },
    plugins: [
      {
        name: 're-exports',
        setup(hooks) {
          hooks.onResolve({ filter: /^re-export:/ }, ({ path }) => ({
            path: path.slice('re-export:'.length),
            namespace: 're-export',
          }));
          hooks.onLoad({ filter: /.*/, namespace: 're-export' }, ({ path }) => ({
            contents: reExports.get(path)!,
            resolveDir: ROOT,
          }));
        },
      },
    ],
  });
  for (const { name } of SDKS) writePackage(folder, name, versionOf(name));
  writePackage(folder, SHARED, '0.0.0');
  return bundled;
}

/** Amazon's are modules to the bundler; the names of others, which are written for `require`, are asked for. */
async function reExport(id: string): Promise<string> {
  const text = JSON.stringify(id);
  if (id.startsWith('@aws-sdk/')) return `export * from ${text};`;
  const module = (await import(id)) as Record<string, unknown>;
  const names = Object.keys(module).filter((name) => name !== 'default' && /^[A-Za-z_$][\w$]*$/.test(name));
  return [
    `const whole = require(${text});`,
    'export default whole;',
    ...names
      .filter((name) => name !== 'module.exports')
      .map((name) => `export const ${name} = whole.${name};`),
  ].join('\n');
}

function writePackage(folder: string, name: string, version: string): void {
  const file = join(folder, name, 'package.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ name, version, type: 'module', main: 'index.js' }, undefined, 2)}\n`,
  );
}

function versionOf(name: string): string {
  const file = join(ROOT, 'node_modules', name, 'package.json');
  if (!existsSync(file)) throw new Error(`${name} is not installed; run \`npm install --include=optional\``);
  return String((JSON.parse(readFileSync(file, 'utf8')) as { readonly version: unknown }).version);
}

async function bundle(options: BuildOptions): Promise<Bundled> {
  const { metafile } = await build({
    splitting: true,
    ...options,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'warning',
    absWorkingDir: ROOT,
    metafile: true,
    banner: { js: REQUIRE, ...options.banner },
  });
  const folders = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.keys(inputs))
    .map((path) => /^(?:.*\/)?(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[0].replace(/\/$/, ''))
    .filter((path) => path !== undefined);
  return new Set(folders.map((path) => path.slice(path.indexOf('node_modules/'))));
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('name the folder: node src/packaging/bundle.ts FOLDER');
  await bundleProgram(join(process.cwd(), folder));
}
