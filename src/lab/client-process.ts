/**
 * The lab's client: asks every VIP for an echo every few milliseconds through its kernel's normal neighbour table, like any
 * client on the link would, and tells when a VIP ceases or begins to answer and which host answers.
 * Its one argument is JSON, {@link ClientSettings}. Blocks between the ticks; nothing else runs here.
 */

import { monotonicNow } from '../platform/clock.ts';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  type Descriptor,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  openSocket,
  receiveMessage,
  SOCK_RAW,
  sendMessage,
  setSocketOption,
} from '../platform/libc.ts';
import { waitReadable } from '../platform/wait.ts';
import { echoRequest, numberRequest, readReply } from './echo.ts';
import { beFirst, Questions, STDIN, tell } from './line-parent.ts';
import { enlargeReceiveBuffer } from './receive-buffer.ts';
import { Verdicts } from './verdicts.ts';

export interface ClientSettings {
  readonly targets: readonly {
    readonly address: string;
    readonly family: 4 | 6;
    readonly bytes: readonly number[];
  }[];
  readonly interval_ms: number;
  readonly patience_ms: number;
}

/** A tick later than this is told as a stall of our own, ms. */
const STALL_MIN = 20;

interface Target {
  readonly address: string;
  readonly packet: Buffer;
  readonly destination: Buffer;
  readonly socket: Descriptor;
  readonly verdicts: Verdicts;
  mac: string | undefined;
}

class Client {
  readonly #settings: ClientSettings;
  readonly #id = 0x5743;
  readonly #targets: readonly Target[];
  readonly #listeners: readonly Descriptor[];
  readonly #buffer = Buffer.alloc(2048);
  #request = 0;
  #emptyAt = monotonicNow();
  readonly #questions = new Questions();

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    const senders = { 4: senderV4(), 6: senderV6() };
    this.#listeners = [listener(0x0800), listener(0x86dd)];
    this.#targets = settings.targets.map(({ address, family, bytes }, target) => ({
      address,
      packet: echoRequest(family, { id: this.#id, target }),
      destination: destination(family, bytes),
      socket: senders[family],
      verdicts: new Verdicts(settings.patience_ms),
      mac: undefined,
    }));
  }

  run(): void {
    let next = monotonicNow();
    while (this.#answerQuestions(Math.max(0, next - monotonicNow()))) {
      const now = monotonicNow();
      if (now < next) continue;
      if (now - next > STALL_MIN) tell({ kind: 'stall', at: next, length: now - next });
      this.#ask();
      this.#listen();
      next = Math.max(next + this.#settings.interval_ms, now);
    }
  }

  #ask(): void {
    this.#request += 1;
    for (const target of this.#targets) {
      numberRequest(target.packet, this.#request);
      target.verdicts.sentRequest(this.#request, monotonicNow());
      try {
        sendMessage(target.socket, target.packet, { address: target.destination });
      } catch {
        // No route, no neighbour, interface down: all the same to a client, the request stays unanswered.
      }
    }
  }

  #listen(): void {
    for (const socket of this.#listeners) {
      for (;;) {
        const length = receiveMessage(socket, this.#buffer);
        if (length === undefined) break;
        this.#take(this.#buffer.subarray(0, Math.min(length, this.#buffer.length)));
      }
    }
    this.#emptyAt = monotonicNow();
    for (const { address, verdicts } of this.#targets) {
      for (const turn of verdicts.settle(this.#emptyAt)) tell({ kind: 'turn', address, ...turn });
    }
  }

  #take(frame: Buffer): void {
    const reply = readReply(frame, this.#id);
    const target = reply === undefined ? undefined : this.#targets[reply.target];
    if (reply === undefined || target === undefined) return;
    target.verdicts.answer(reply.request, this.#emptyAt);
    if (target.mac === reply.mac) return;
    target.mac = reply.mac;
    tell({ kind: 'answered-by', address: target.address, mac: reply.mac, at: monotonicNow() });
  }

  /** Sleeps at most that long; false when the lab is gone. */
  #answerQuestions(timeout: number): boolean {
    if (waitReadable([STDIN], timeout).length === 0) return true;
    const syncs = this.#questions.read();
    if (syncs === undefined) return false;
    const cpu = process.cpuUsage();
    const counts = { sent: 0, answered: 0, repeated: 0 };
    for (const { verdicts } of this.#targets) {
      counts.sent += verdicts.sent;
      counts.answered += verdicts.answered;
      counts.repeated += verdicts.repeated;
    }
    tell({ kind: 'counts', at: monotonicNow(), ...counts, cpu_ms: (cpu.user + cpu.system) / 1000 });
    for (const number of syncs) tell({ kind: 'synced', number });
    return true;
  }
}

/** Replies are read from the packet sockets (they show the link address); the raw sockets shall not pile them up. */
function senderV4(): Descriptor {
  const socket = openSocket({ domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP });
  setSocketOption(socket, { level: 255, name: 1, value: Buffer.alloc(4, 0xff) }); // SOL_RAW, ICMP_FILTER: drop all
  return socket;
}

function senderV6(): Descriptor {
  const socket = openSocket({ domain: AF_INET6, type: SOCK_RAW, protocol: IPPROTO_ICMPV6 });
  setSocketOption(socket, { level: IPPROTO_ICMPV6, name: 1, value: Buffer.alloc(32, 0xff) }); // ICMPV6_FILTER
  return socket;
}

function listener(etherType: number): Descriptor {
  const networkOrder = ((etherType & 0xff) << 8) | (etherType >> 8);
  const socket = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: networkOrder });
  enlargeReceiveBuffer(socket, 4 * 1024 * 1024);
  return socket;
}

function destination(family: 4 | 6, bytes: readonly number[]): Buffer {
  const address = Buffer.alloc(family === 4 ? 16 : 28);
  address.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0);
  address.set(bytes, family === 4 ? 4 : 8);
  return address;
}

beFirst();
new Client(JSON.parse(process.argv[2] ?? '{}') as ClientSettings).run();
