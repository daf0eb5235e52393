/** The silence probe on links made of memory and a clock that moves only while somebody waits. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { arpGratuitousReply, arpProbe } from '../../../../providers/local/packets.ts';
import type { Standing } from '../../../../providers/local/placement.ts';
import { type Question, SilenceProbe, type Verdict } from '../../../../providers/local/silence.ts';
import { SystemError } from '../../../../src/platform/libc.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

const ENODEV = 19;
const EMFILE = 24;

let now = 0;
let sleepers: { at: number; wake: () => void }[] = [];
/** Errno that opening a receiver on a link ends with. */
let deaf = new Map<number, number>();
/** How long the stranger that has an address takes to answer. */
let strangers = new Map<string, number>();
let inbox: { link: number; at: number; frame: Buffer }[] = [];

vi.mock('../../../../src/platform/clock.ts', () => ({ monotonicNow: () => now }));
vi.mock('node:timers/promises', () => ({
  setTimeout: (length: number) =>
    new Promise<void>((wake) => {
      sleepers.push({ at: now + length, wake });
      setImmediate(wakeFirst);
    }),
}));
vi.mock('../../../../src/platform/packet-socket.ts', async (original) => ({
  ...(await original<object>()),
  openFrameReceiver: ({ interfaceIndex }: { interfaceIndex: number }) => {
    const errno = deaf.get(interfaceIndex);
    if (errno !== undefined) throw new SystemError('bind', errno);
    return { next: () => takeFrame(interfaceIndex), watch: () => ({ close() {} }), close() {} };
  },
}));

function wakeFirst(): void {
  sleepers.sort((a, b) => a.at - b.at);
  const first = sleepers.shift();
  now = Math.max(now, first?.at ?? 0);
  first?.wake();
}

function takeFrame(link: number): Buffer | undefined {
  const at = inbox.findIndex((one) => one.link === link && one.at <= now);
  return at < 0 ? undefined : inbox.splice(at, 1)[0]?.frame;
}

const LINKS = [1, 2].map(
  (index): Link => ({
    index,
    name: `eth${index}`,
    up: true,
    carrier: true,
    resolves: true,
    mac: Uint8Array.of(2, 0, 0, 0, 0, index),
  }),
);

const sender = {
  send(frame: Uint8Array, link: number) {
    const address = frame.slice(38, 42);
    const takes = strangers.get(address.join('.'));
    if (takes !== undefined) {
      const mac = Uint8Array.of(2, 0, 0, 0, 0, 0x99);
      inbox.push({ link, at: now + takes, frame: arpGratuitousReply({ mac, address }) });
    }
    return 'sent' as const;
  },
  close() {},
};

function question(address: string, until: number, interfaceIndex = 1): Question<string> {
  const interfaceName = `eth${interfaceIndex}`;
  const standing: Standing = { family: 4, address, prefixLength: 32, interfaceName, interfaceIndex };
  return { subject: address, standings: [standing], until };
}

/** The verdict on each address, and when it fell. */
async function ask(...questions: Question<string>[]) {
  const verdicts = new Map<string, Verdict & { at: number }>();
  const linkOf = (index: number) => LINKS.find((link) => link.index === index);
  const probe = new SilenceProbe({ interval: 4, rounds: 2 }, { sender, linkOf, links: () => LINKS });
  await probe.ask(questions, {
    signal: new AbortController().signal,
    wanted: () => true,
    settled: (answers) => {
      for (const { question, verdict } of answers) verdicts.set(question.subject, { ...verdict, at: now });
    },
  });
  return verdicts;
}

beforeEach(() => {
  now = 0;
  sleepers = [];
  deaf = new Map();
  strangers = new Map();
  inbox = [];
});

describe('a link that cannot be asked', () => {
  it.each([
    [ENODEV, 'interface-missing', 'eth1 is gone'],
    [EMFILE, 'failed', 'LimitNOFILE'],
    [105, 'failed', 'ENOBUFS'],
  ])('is an answer and no rejection (errno %i)', async (errno, code, words) => {
    deaf.set(1, errno);
    const verdicts = await ask(question('10.0.0.1', 100), question('10.0.0.2', 100));
    for (const address of ['10.0.0.1', '10.0.0.2']) {
      const failed = { kind: 'failed', code, reason: expect.stringContaining(words) };
      expect(verdicts.get(address)).toMatchObject(failed);
    }
  });

  it('does not keep the others from being asked', async () => {
    deaf.set(1, ENODEV);
    const verdicts = await ask(question('10.0.0.1', 100), question('10.0.0.2', 100, 2));
    expect(verdicts.get('10.0.0.2')).toEqual({ kind: 'silent', at: 8 });
  });
});

describe('an answer', () => {
  it('within its round changes nothing', async () => {
    strangers.set('10.0.0.1', 3);
    const verdicts = await ask(question('10.0.0.1', 40), question('10.0.0.2', 40));
    expect(verdicts.get('10.0.0.1')).toMatchObject({ kind: 'answered', at: 40 });
    expect(verdicts.get('10.0.0.2')).toEqual({ kind: 'silent', at: 8 });
  });

  it('later than its round makes the rounds long enough to hear those that take longer still', async () => {
    strangers.set('10.0.0.1', 6).set('10.0.0.2', 14);
    const verdicts = await ask(
      question('10.0.0.1', 100),
      question('10.0.0.2', 100),
      question('10.0.0.3', 100),
    );
    expect(verdicts.get('10.0.0.1')?.kind).toBe('answered');
    expect(verdicts.get('10.0.0.2')?.kind).toBe('answered');
    // Heard at 8 for a question of 0: rounds of 16. At 24 for one of 0 as well: two whole rounds of 48 from there.
    expect(verdicts.get('10.0.0.3')).toEqual({ kind: 'silent', at: 120 });
  });

  it('on a slow link makes no other link slow', async () => {
    strangers.set('10.0.0.1', 6);
    const verdicts = await ask(question('10.0.0.1', 100), question('10.0.0.2', 100, 2));
    expect(verdicts.get('10.0.0.2')).toEqual({ kind: 'silent', at: 8 });
  });

  it('that comes after all rounds is no answer: the documented limit', async () => {
    strangers.set('10.0.0.1', 9);
    expect((await ask(question('10.0.0.1', 100))).get('10.0.0.1')).toEqual({ kind: 'silent', at: 8 });
  });

  it.each([
    { rival: 0x01, lower: true },
    { rival: 0xf0, lower: false },
  ])(
    'who asks for the same address at once goes first only with the lower link address ($lower)',
    async ({ rival, lower }) => {
      const address = Uint8Array.of(10, 0, 0, 7);
      // Link 2 has 02:00:00:00:00:02.
      const mac = Uint8Array.of(2, 0, 0, 0, 0, rival);
      for (let at = 1; at < 40; at += 4)
        inbox.push({ link: 2, at: now + at, frame: arpProbe({ mac, address }) });
      const verdicts = await ask(question('10.0.0.7', now + 30, 2));
      expect(JSON.stringify([...verdicts])).toContain(lower ? 'answered' : 'silent');
    },
  );
});
