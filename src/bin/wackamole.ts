#!/usr/bin/env node
/**
 * The program: hands the command line its collaborators and exits with its code. Loads only what the command needs, so
 * that an agent is up fast.
 */
import { readFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { hostname, networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { InstalledProgram } from '../install/install.ts';
import { NODE_FLAGS, packagePath } from '../platform/layout.ts';

// In our own folder, never in a shared temporary one, where others could plant code for root to run.
enableCompileCache(packagePath('node_modules/.cache/wackamole'));

const { runCli } = await import('../commander/run.ts');
const { request, watch } = await import('../control/client.ts');
const { generateKey, readKeyFile, replaceKeyFile, writeKeyFile } = await import('../platform/key-file.ts');
const { defaultRoutes } = await import('../platform/default-routes.ts');
const { keyFingerprint } = await import('../platform/keyed-hash.ts');
const { version } = await import('./version.ts');

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  hostName: hostname(),
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: () => ({
    // A terminal that does not know its size says 0.
    ...(process.stdout.columns > 0 && { columns: process.stdout.columns }),
    ...(process.stdout.rows > 0 && { rows: process.stdout.rows }),
    interactive: process.stdout.isTTY === true,
    color: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  }),
  now: () => Date.now(),
  readFile: (path) => readFile(path, 'utf8'),
  listFiles: async (pattern, folder) =>
    (await import('../platform/file-patterns.ts')).listFiles(pattern, folder),
  addressOn,
  request,
  watch,
  generateKey,
  writeKeyFile,
  readKeyFile,
  replaceKeyFile,
  fingerprintOf: keyFingerprint,
  runAgent: async (options) => (await import('./agent.ts')).runAgent(options),
  runSpreadUser: async (options) => (await import('./spread-user.ts')).runSpreadUser(options),
  runDemo: async (options) => {
    const { DEMO_DEFAULTS, runDemo } = await import('../lab/demo.ts');
    return runDemo({ ...DEMO_DEFAULTS, ...options });
  },
  rehearse: async (options) => (await import('../simulation/rehearsal.ts')).rehearse(options),
  cleanUp: async (options) => (await import('../../providers/local/cleanup.ts')).cleanUp(options),
  install: async (request) => {
    const { install } = await import('../install/install.ts');
    return install(request, installedProgram());
  },
  uninstall: async (request) => (await import('../install/install.ts')).uninstall(request),
  testProviders: async (request) => (await import('./test-providers.ts')).testProviders(request),
  defaultRoutes,
  listProviders: async (config) => (await import('./test-providers.ts')).listProviders(config),
  providerPolicy: async (config, names) =>
    (await import('./test-providers.ts')).providerPolicy(config, names),
  checkHost: async (config) => (await import('./check-host.ts')).checkHost(config),
});

function installedProgram(): InstalledProgram {
  return {
    runtime: process.execPath,
    flags: NODE_FLAGS,
    script: fileURLToPath(import.meta.url),
    units: packagePath('src/install/systemd'),
    documentation: packagePath('docs/fencing.md'),
  };
}

function addressOn(interfaceName: string): string | undefined {
  const addresses = (networkInterfaces()[interfaceName] ?? []).filter(
    ({ internal, scopeid }) => !internal && !scopeid,
  );
  return (addresses.find(({ family }) => family === 'IPv4') ?? addresses[0])?.address;
}
