import { describe, expect, it } from 'vitest';
import { importsOf, roomOf, type SourceFile, sources } from './sources.ts';

/** Rooms each room may import; `type:` means types only. `npm:` are packages. `node:*` stands for Node's own modules. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ['model', 'npm:zod', 'npm:yaml'],
  membership: ['model', 'type:group', 'type:config'],
  allocation: ['model'],
  provider: ['model'],
  platform: ['model', 'node:*', 'npm:koffi', 'npm:pino'],
  group: ['model', 'membership', 'platform', 'config', 'node:*'],
  agent: ['model', 'allocation', 'type:config', 'type:group', 'type:provider'],
  practice: ['model', 'agent', 'group', 'type:config'],
  hooks: ['model', 'platform', 'type:config', 'node:*'],
  control: ['model', 'platform', 'node:*'],
  simulation: [
    'model',
    'config',
    'membership',
    'allocation',
    'agent',
    'witness',
    'type:group',
    'type:provider',
  ],
  commander: ['model', 'control', 'config', 'npm:commander'],
  install: ['node:*'],
  packaging: ['commander', 'platform', 'node:*', 'npm:esbuild'],
  isolation: ['model', 'provider', 'platform', 'node:*'],
  conformance: ['model', 'group', 'provider', 'node:*'],
  health: ['model', 'platform', 'type:config', 'node:*'],
  witness: ['model', 'platform', 'node:*', 'npm:@aws-sdk', 'npm:google-auth-library'],
  lab: ['model', 'platform', 'control', 'node:*'],
  'providers/aws': ['model', 'provider', 'platform', 'type:config', 'node:*', 'npm:@aws-sdk'],
  'providers/memory': ['model', 'provider', 'platform', 'type:config', 'node:*'],
  'providers/gcp': ['model', 'provider', 'platform', 'type:config', 'node:*'],
  'providers/composed': ['model', 'provider', 'node:*'],
  'providers/exec': ['model', 'provider', 'platform', 'type:config', 'node:*'],
  'providers/package': ['model', 'provider', 'platform', 'type:config', 'node:*'],
  'providers/local': ['model', 'provider', 'platform', 'type:config', 'node:*'],
};

const product = [...sources('src'), ...sources('providers')];

function allowed(file: SourceFile, to: string, typeOnly: boolean): boolean {
  const room = roomOf(file.path);
  if (room === 'bin') return true;
  const rules = MAY_IMPORT[room] ?? [];
  if (to.startsWith('node:')) return rules.includes('node:*');
  if (!to.startsWith('src/') && !to.startsWith('providers/'))
    return rules.includes(`npm:${to.split('/')[0]}`);
  const target = roomOf(to);
  return target === room || rules.includes(target) || (typeOnly && rules.includes(`type:${target}`));
}

describe('imports', () => {
  it('finds the sources', () => {
    expect(product.length).toBeGreaterThan(30);
    for (const file of product) expect(Object.keys(MAY_IMPORT).concat('bin')).toContain(roomOf(file.path));
  });

  it('stay within what a room may import', () => {
    const broken = product.flatMap((file) =>
      importsOf(file)
        .filter(({ to, typeOnly }) => !allowed(file, to, typeOnly))
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it('never reach into tests or the wiring', () => {
    const broken = product.flatMap((file) =>
      importsOf(file)
        .filter(
          ({ to }) => to.startsWith('test/') || (to.startsWith('src/bin/') && roomOf(file.path) !== 'bin'),
        )
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it('reach the simulator from the wiring alone', () => {
    const broken = product.flatMap((file) =>
      importsOf(file)
        .filter(
          ({ to }) => to.startsWith('src/simulation/') && !['bin', 'simulation'].includes(roomOf(file.path)),
        )
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it('form no cycle at run time', () => {
    const edges = new Map(
      product.map((file) => [
        file.path,
        importsOf(file)
          .filter((i) => !i.typeOnly && i.to.endsWith('.ts'))
          .map((i) => i.to),
      ]),
    );
    expect(cycleIn(edges)).toBeUndefined();
  });
});

function cycleIn(edges: ReadonlyMap<string, readonly string[]>): string | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file].join(' → ');
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle) return cycle;
  }
  return undefined;
}
