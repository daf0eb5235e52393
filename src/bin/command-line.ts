/** Hands the command line its collaborators. Loads only what the command needs. */
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { runCli } from '../commander/run.ts';
import { request, watch } from '../control/client.ts';
import type { InstalledProgram } from '../install/install.ts';
import { defaultRoutes } from '../platform/default-routes.ts';
import { generateKey, replaceKeyFile, writeKeyFile } from '../platform/key-file.ts';
import { keyFingerprint } from '../platform/keyed-hash.ts';
import { NODE_FLAGS, packagePath, scriptPath } from '../platform/layout.ts';
import { readServiceKey, serviceKeyProblem } from './service-key.ts';
import { startAgent } from './start-agent.ts';
import { version } from './version.ts';

/** Runs one command; resolves with the exit code. Never rejects. */
export function runCommandLine(argv: readonly string[]): Promise<number> {
  return runCli(argv, {
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
    readKeyFile: readServiceKey,
    serviceKeyProblem,
    replaceKeyFile,
    fingerprintOf: keyFingerprint,
    runAgent: startAgent,
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
}

function installedProgram(): InstalledProgram {
  return {
    runtime: process.execPath,
    flags: NODE_FLAGS,
    script: scriptPath('bin/wackamole.ts'),
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
