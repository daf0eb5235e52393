/** The silence probe on links made of memory and a clock that moves only while somebody waits. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  arpGratuitousReply,
  arpProbe,
  neighbourAdvertisement,
  neighbourProbe,
  solicitedNodeGroup,
} from '../../../../providers/local/packets.ts';
import type { Standing } from '../../../../providers/local/placement.ts';
import { type Question, SilenceProbe, type Verdict } from '../../../../providers/local/silence.ts';
import { ipBytes, ipText } from '../../../../src/platform/ip-bytes.ts';
import { SystemError } from '../../../../src/platform/libc.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

const ENODEV = 19;
const EMFILE = 24;

let now = 0;
let sleepers: { at: number; wake: () => void }[] = [];
/** Errno that opening a receiver on a link ends with. */
let deaf = new Map<number, number>();
/** By how much whoever sleeps is woken too late, in this order. */
let lateness: number[] = [];
/** How long the stranger that has an address takes to answer. */
let strangers = new Map<string, number>();
let joined: string[] = [];
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

vi.mock('../../../../src/platform/multicast-groups.ts', () => ({
  MulticastGroups: class {
    join(group: Uint8Array, link: number) {
      joined.push(`${ipText(group)} on ${link}`);
    }
    close() {}
  },
}));

function wakeFirst(): void {
  sleepers.sort((a, b) => a.at - b.at);
  const first = sleepers.shift();
  now = Math.max(now, first?.at ?? 0) + (lateness.shift() ?? 0);
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
  const family = address.includes(':') ? 6 : 4;
  const standing: Standing = { family, address, prefixLength: 32, interfaceName, interfaceIndex };
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
  lateness = [];
  deaf = new Map();
  strangers = new Map();
  inbox = [];
  joined = [];
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
});

describe.each(['10.0.0.7', '2001:db8::7'])('who asks for %s at once', (text) => {
  const address = ipBytes(text);
  const probe = text.includes(':') ? neighbourProbe : arpProbe;
  const answer = text.includes(':') ? neighbourAdvertisement : arpGratuitousReply;
  /** Link 2 has 02:00:00:00:00:02. */
  const mac = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);

  function asks(rival: number, from: number, to: number): void {
    for (let at = from; at < to; at += 4)
      inbox.push({ link: 2, at, frame: probe({ mac: mac(rival), address }) });
  }

  it('goes first with the lower link address: nothing is silent while it asks', async () => {
    asks(0x00, 1, 30);
    expect((await ask(question(text, 100, 2))).get(text)).toEqual({ kind: 'silent', at: 40 });
  });

  it('goes first with the lower link address, and has it from then on', async () => {
    asks(0x00, 1, 9);
    for (let at = 10; at < 60; at += 4)
      inbox.push({ link: 2, at, frame: answer({ mac: mac(0x00), address }) });
    expect((await ask(question(text, 40, 2))).get(text)).toMatchObject({ kind: 'answered' });
  });

  it('is left waiting with the higher link address, once it has heard all our questions', async () => {
    asks(0xf0, 1, 30);
    expect((await ask(question(text, 100, 2))).get(text)).toEqual({ kind: 'silent', at: 12 });
  });

  it('late and with the higher link address is asked whether it took it while we were late', async () => {
    inbox.push({ link: 2, at: 7, frame: probe({ mac: mac(0xf0), address }) });
    for (let at = 14; at < 60; at += 4)
      inbox.push({ link: 2, at, frame: answer({ mac: mac(0xf0), address }) });
    expect((await ask(question(text, 40, 2))).get(text)).toMatchObject({ kind: 'answered' });
  });

  it('from ever new link addresses delays us, but not for ever', async () => {
    for (let at = 1; at < 100; at += 4) asks(0x10 + at, at, at + 1);
    expect((await ask(question(text, 200, 2))).get(text)).toEqual({ kind: 'silent', at: 24 });
  });

  it('is nobody to wait for where it is this host on its other interface', async () => {
    LINKS[1]!.mac[5] = 0x0f;
    asks(0x01, 1, 30);
    const verdicts = await ask(question(text, 100, 2));
    LINKS[1]!.mac[5] = 2;
    expect(verdicts.get(text)).toEqual({ kind: 'silent', at: 8 });
  });
});

describe('a round that ends late', () => {
  it('by little counts', async () => {
    lateness = [15, 15];
    expect((await ask(question('10.0.0.1', 500))).get('10.0.0.1')).toEqual({ kind: 'silent', at: 38 });
  });

  it('by much is asked again, for somebody may have taken the address since', async () => {
    lateness = [0, 640];
    expect((await ask(question('10.0.0.1', 500))).get('10.0.0.1')).toEqual({ kind: 'silent', at: 656 });
  });

  it('finds who took the address while we stood still, though nothing was heard of it', async () => {
    lateness = [0, 640];
    const asked = ask(question('10.0.0.1', 900));
    // It answers what is asked after the standstill.
    await new Promise((resolve) => setImmediate(resolve));
    strangers.set('10.0.0.1', 1);
    expect((await asked).get('10.0.0.1')).toMatchObject({ kind: 'answered' });
  });

  it('again and again decides in the end', async () => {
    lateness = Array(20).fill(30);
    expect((await ask(question('10.0.0.1', 500))).get('10.0.0.1')).toEqual({ kind: 'silent', at: 5 * 34 });
  });
});

it('questions about IPv6 addresses are joined for, once', async () => {
  await ask(question('2001:db8::ab:1:7', 100), question('10.0.0.1', 100));
  expect(joined).toEqual([`${ipText(solicitedNodeGroup(ipBytes('2001:db8::ab:1:7')))} on 1`]);
});

describe('what comes while a silent address is being put up', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 0x99);
  const announced = (address: string) => arpGratuitousReply({ mac, address: ipBytes(address) });

  /** Verdicts in order; `putUp` stands for what whoever asked does with a verdict. */
  async function told(questions: Question<string>[], putUp: (verdict: Verdict) => void): Promise<string[]> {
    const kinds: string[] = [];
    const linkOf = (index: number) => LINKS.find((link) => link.index === index);
    const probe = new SilenceProbe({ interval: 4, rounds: 2 }, { sender, linkOf, links: () => LINKS });
    await probe.ask(questions, {
      signal: new AbortController().signal,
      wanted: () => true,
      settled: (answers) => {
        for (const { question, verdict } of answers) {
          kinds.push(`${question.subject} ${verdict.kind}`);
          putUp(verdict);
        }
      },
    });
    return kinds;
  }

  it('is heard if another one announces it: then it is taken', async () => {
    const late = (verdict: Verdict) => {
      if (verdict.kind === 'silent') inbox.push({ link: 1, at: now, frame: announced('10.0.0.1') });
    };
    expect(await told([question('10.0.0.1', 100), question('10.0.0.2', 100)], late)).toEqual([
      '10.0.0.1 silent',
      '10.0.0.2 silent',
      '10.0.0.1 taken',
    ]);
  });

  it('is no answer to a question that is still open, which is read in its turn', async () => {
    strangers.set('10.0.0.2', 3);
    const late = (verdict: Verdict) => {
      if (verdict.kind === 'silent') inbox.push({ link: 1, at: now, frame: announced('10.0.0.1') });
    };
    expect(await told([question('10.0.0.1', 100), question('10.0.0.2', 30)], late)).toEqual([
      '10.0.0.1 silent',
      '10.0.0.2 answered',
    ]);
  });

  it('is nothing where this host announces it on its other interface, or somebody only asks', async () => {
    const harmless = () => {
      const own = { mac: LINKS[1]!.mac, address: ipBytes('10.0.0.1') };
      inbox.push({ link: 1, at: now, frame: arpGratuitousReply(own) });
      inbox.push({ link: 1, at: now, frame: arpProbe({ mac, address: ipBytes('10.0.0.1') }) });
    };
    expect(await told([question('10.0.0.1', 100)], harmless)).toEqual(['10.0.0.1 silent']);
  });
});
