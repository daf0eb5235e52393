/** Runs the real `terraform` with our plugin servers instead of a registry, in folders of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PluginServer } from './plugin-server.ts';

export const ROOT = join(import.meta.dirname, '../../terraform');

/** Absent: it is not installed here, or too old for the modules (1.11 has write-only arguments). */
export const TERRAFORM_VERSION: string | undefined = versionOf();

function versionOf(): string | undefined {
  const { status, stdout } = spawnSync('terraform', ['version', '-json'], {
    encoding: 'utf8',
    env: { ...process.env, TF_CLI_CONFIG_FILE: '/dev/null', CHECKPOINT_DISABLE: '1' },
  });
  if (status !== 0) return undefined;
  const { terraform_version: version } = JSON.parse(stdout) as { readonly terraform_version: string };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 11) ? version : undefined;
}

export interface Outcome {
  readonly status: number;
  /** Both streams, as a person sees them. */
  readonly output: string;
}

export interface Bench {
  readonly aws: PluginServer;
  readonly google: PluginServer;
  /** Of its own, emptied by `stop`. */
  readonly folder: string;
  /** `terraform -chdir=FOLDER …`; state and data of it lie below `folder`. */
  run(
    args: readonly string[],
    options: { readonly in: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<Outcome>;
  stop(): void;
}

/** Both servers, and a folder for what Terraform keeps. */
export async function startBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-terraform-'));
  const aws = new PluginServer('aws', { folder });
  const google = new PluginServer('google', { folder });
  await Promise.all([aws.start(), google.start()]);
  const reattach = JSON.stringify({
    'registry.terraform.io/hashicorp/aws': aws.reattach,
    'registry.terraform.io/hashicorp/google': google.reattach,
  });
  return {
    aws,
    google,
    folder,
    run: (args, { in: place, env = {} }) =>
      terraform([`-chdir=${place}`, ...args], {
        TF_DATA_DIR: join(folder, `data-${place.replaceAll('/', '-')}`),
        TF_REATTACH_PROVIDERS: reattach,
        ...env,
      }),
    stop: () => {
      aws.stop();
      google.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function terraform(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const child = spawn('terraform', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: tmpdir(),
      TF_CLI_CONFIG_FILE: '/dev/null',
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      ...env,
    },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? -1, output: Buffer.concat(chunks).toString() }));
  });
}
