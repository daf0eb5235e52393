import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigQuestion, type Memory, recall, remember } from '../../../src/bin/remembered-config.ts';
import { type ParseResult, parseConfig } from '../../../src/config/parse.ts';

const TEXT = `cluster: web
member: a
group: { listen: 10.0.0.1, peers: { a: 10.0.0.1, b: 10.0.0.2 }, key_file: /k }
providers: { local: { interface: eth0 } }
vips: { web-1: { addresses: [10.0.0.100, "2001:db8::1"], prefer: [b] } }
`;
const OPTIONS = { fileName: '/etc/wackamole/wackamole.yaml', hostName: 'a' };
const QUESTION: ConfigQuestion = { text: TEXT, options: OPTIONS };

describe('what a check of the configuration found', () => {
  let folder: string;
  let memory: Memory;
  const found = (question = QUESTION) => {
    const result: ParseResult = parseConfig(question.text, question.options);
    if (!result.ok) throw new Error('the example is wrong');
    return result;
  };
  const file = () => join(folder, readdirSync(folder)[0]!);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'remembered-'));
    chmodSync(folder, 0o700);
    memory = { folder, program: 'this build' };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is known again, all of it', async () => {
    expect(recall(QUESTION, memory)).toBeUndefined();
    await remember(QUESTION, found(), memory);
    expect(recall(QUESTION, memory)).toEqual(found());
  });

  it.each([
    ['another text', { ...QUESTION, text: `${TEXT}# more\n` }, {}],
    ['another host', { ...QUESTION, options: { ...OPTIONS, hostName: 'b' } }, {}],
    [
      'another file of the same text',
      { ...QUESTION, options: { ...OPTIONS, fileName: '/etc/wackamole/b.yaml' } },
      {},
    ],
    ['another program', QUESTION, { program: 'the next build' }],
  ])('is not known for %s', async (_, question, change) => {
    await remember(QUESTION, found(), memory);
    expect(recall(question, { ...memory, ...change })).toBeUndefined();
  });

  it('is forgotten when the file changes', async () => {
    const later = { ...QUESTION, text: TEXT.replace('web-1', 'web-2') };
    await remember(QUESTION, found(), memory);
    await remember(later, found(later), memory);
    expect(recall(QUESTION, memory)).toBeUndefined();
    expect(recall(later, memory)).toEqual(found(later));
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is not taken from a file that is damaged, wherever and however', async () => {
    await remember(QUESTION, found(), memory);
    const whole = readFileSync(file());
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x20;
      writeFileSync(file(), bytes);
      expect(recall(QUESTION, memory), `byte ${at}`).toBeUndefined();
      writeFileSync(file(), whole.subarray(0, at));
      expect(recall(QUESTION, memory), `cut at ${at}`).toBeUndefined();
    }
    writeFileSync(file(), whole);
    expect(recall(QUESTION, memory)).toBeDefined();
  });

  it('is not taken from where others may write, nor through a link', async () => {
    await remember(QUESTION, found(), memory);
    chmodSync(file(), 0o622);
    expect(recall(QUESTION, memory)).toBeUndefined();
    chmodSync(file(), 0o600);
    chmodSync(folder, 0o777);
    expect(recall(QUESTION, memory)).toBeUndefined();
    chmodSync(folder, 0o700);
    const target = join(folder, 'elsewhere');
    writeFileSync(target, readFileSync(file()), { mode: 0o600 });
    const name = readdirSync(folder).find((each) => each.startsWith('config-'))!;
    rmSync(join(folder, name));
    symlinkSync(target, join(folder, name));
    expect(recall(QUESTION, memory)).toBeUndefined();
  });

  it('is not kept where it is so large that loading the checker is not what takes the time, nor read there', async () => {
    const sample = found();
    const large = { ...sample, config: { ...sample.config, digest: 'x'.repeat(5 * 1024 * 1024) } };
    await remember(QUESTION, large, memory);
    expect(readdirSync(folder)).toEqual([]);
    await remember(QUESTION, found(), memory);
    const payload = serialize(large);
    const digest = createHash('sha256').update(`${payload.length}:`).update(payload).digest();
    writeFileSync(file(), Buffer.concat([readFileSync(file()).subarray(0, 32), digest, payload]));
    expect(recall(QUESTION, memory)).toBeUndefined();
  });

  it('is not written where others may write, and fails nothing where it cannot be written at all', async () => {
    chmodSync(folder, 0o777);
    await remember(QUESTION, found(), memory);
    expect(readdirSync(folder)).toEqual([]);
    await remember(QUESTION, found(), { ...memory, folder: join(folder, 'absent') });
    chmodSync(folder, 0o700);
    await remember(QUESTION, found(), memory);
    const name = file();
    rmSync(name);
    mkdirSync(name);
    await remember(QUESTION, found(), memory);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(recall(QUESTION, memory)).toBeUndefined();
  });
});
