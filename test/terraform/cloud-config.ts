/**
 * What a cloud-config of ours must be like: YAML with the keys that we use, written as cloud-init's reference says, and files that their
 * readers take. Where `cloud-init` itself is installed, its own schema is asked too.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** Modules package_update, packages, write_files and runcmd of cloud-init's reference. */
const shape = z.strictObject({
  package_update: z.boolean(),
  packages: z.array(z.string().regex(/^[a-z0-9.+-]+$/)),
  write_files: z.array(
    z.strictObject({
      path: z.string().startsWith('/'),
      permissions: z.string().regex(/^0[0-7]{3}$/),
      content: z.string().min(1),
    }),
  ),
  runcmd: z.array(z.array(z.string().min(1)).min(1)),
});

/** Hosts have the same scripts. */
const looked = new Set<string>();

export interface WrittenFile {
  readonly content: string;
  readonly permissions: string;
}

export interface CloudConfig {
  readonly files: ReadonlyMap<string, WrittenFile>;
  readonly commands: readonly (readonly string[])[];
}

export function checkCloudConfig(text: string): CloudConfig {
  expect(text).toMatch(/^#cloud-config\n/);
  const { write_files: written, runcmd: commands } = shape.parse(parse(text));
  const files = new Map(written.map(({ path, ...file }) => [path, file]));
  expect(files.size).toBe(written.length);
  // What is run was written, and may be run.
  for (const [program] of commands)
    if (program!.includes('wackamole')) expect(files.get(program!)?.permissions).toBe('0755');
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-cloud-init-'));
  try {
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    for (const [path, { content }] of files) {
      if (looked.has(content)) continue;
      looked.add(content);
      if (content.startsWith('#!/bin/bash')) run('bash', ['-n', file('script', content)]);
      if (content.startsWith('#!/usr/bin/env python3'))
        run('python3', [
          '-c',
          'import ast, sys; ast.parse(open(sys.argv[1]).read())',
          file('script', content),
        ]);
      if (path.endsWith('.json')) JSON.parse(content);
    }
    askCloudInit(file('user-data', text));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { files, commands };
}

/** Most machines have none. */
function askCloudInit(file: string): void {
  const { error, status, stdout, stderr } = spawnSync('cloud-init', ['schema', '--config-file', file], {
    encoding: 'utf8',
  });
  if (error === undefined) expect(status, stdout + stderr).toBe(0);
}

function run(program: string, words: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return;
  expect(status, stderr).toBe(0);
}
