/** `wackamole spread user`: a line of standard input is a command to a Spread daemon, what the daemon says is printed. */
import { createInterface } from 'node:readline';
import type { SpreadUserOptions } from '../commander/collaborators.ts';
import { exitCode } from '../commander/exit-codes.ts';
import {
  type Connection,
  connect,
  type MulticastOptions,
  type Service,
  SpreadError,
  type SpreadMessage,
} from '../group/spread/spread.ts';

const HELP = `commands:
  join GROUP                     leave GROUP
  send GROUP[,GROUP…] TEXT       send with service agreed
  send -SERVICE GROUP[,…] TEXT   unreliable, reliable, fifo, causal, agreed, safe
  type N                         message type of what is sent from now on
  self on|off                    whether our own messages come back
  burst GROUP COUNT BYTES        send many
  who                            our private group and the daemon's version
  quit`;

export async function runSpreadUser({ daemon, name }: SpreadUserOptions): Promise<number> {
  let connection: Connection;
  try {
    connection = await connect(daemon, name === undefined ? {} : { name });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCode(error instanceof SpreadError && error.code === 'ILLEGAL_SPREAD' ? 'usage' : 'refused');
  }
  return new SpreadUser(connection).run();
}

class SpreadUser {
  readonly #connection: Connection;
  #options: MulticastOptions = {};
  #code = exitCode('ok');

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async run(): Promise<number> {
    const connection = this.#connection;
    for (const kind of ['message', 'membership', 'transitional', 'left', 'rejected'] as const) {
      connection.on(kind, (message: SpreadMessage) => print(describe(message)));
    }
    const closed = new Promise<void>((resolve) =>
      connection.once('close', (error) => resolve(this.#closed(error))),
    );
    this.#command('who');
    const input = createInterface({ input: process.stdin, terminal: false });
    input.on('line', (line) => this.#line(line.trim()));
    input.on('close', () => void this.#quit());
    await closed;
    input.close();
    process.stdin.destroy();
    return this.#code;
  }

  #closed(error: SpreadError | undefined): void {
    if (error === undefined) return;
    print(error.message);
    this.#code = exitCode('unknown');
  }

  /** Lets what was sent last come back before the goodbye. */
  async #quit(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await this.#connection.disconnect();
  }

  #line(line: string): void {
    if (line === '') return;
    try {
      this.#command(line);
    } catch (error) {
      if (!(error instanceof SpreadError)) throw error;
      print(error.message);
    }
  }

  #command(line: string): void {
    const [verb, first = '', ...rest] = line.split(/ +/);
    const connection = this.#connection;
    if (verb === 'join' || verb === 'j') connection.join(first);
    else if (verb === 'leave' || verb === 'l') connection.leave(first);
    else if (verb === 'send' || verb === 's') this.#send(first, rest);
    else if (verb === 'burst' || verb === 'b') this.#burst(first, rest);
    else if (verb === 'type') this.#options = { ...this.#options, type: Number(first) };
    else if (verb === 'self') this.#options = { ...this.#options, selfDiscard: first === 'off' };
    else if (verb === 'who')
      print(`${connection.privateGroup} at a daemon of version ${connection.daemonVersion.join('.')}`);
    else if (verb === 'quit' || verb === 'q') void this.#quit();
    else print(HELP);
  }

  #send(first: string, rest: readonly string[]): void {
    const service = first.startsWith('-') ? first.slice(1) : undefined;
    const [groups = '', ...words] = service === undefined ? [first, ...rest] : rest;
    const options = service === undefined ? this.#options : { ...this.#options, service: service as Service };
    this.#connection.multicast(groups.split(','), words.join(' '), options);
  }

  /** At the daemon's pace. */
  #burst(group: string, [count = '100', bytes = '1000']: readonly string[]): void {
    const data = Buffer.alloc(Math.min(Number(bytes) || 0, 100_000), 'wackamole ');
    let left = Number(count) || 0;
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!this.#connection.multicast(group, data, this.#options)) break;
      }
      if (left > 0) this.#connection.once('drain', more);
    };
    more();
  }
}

const SHOWN_MAX = 200;

function describe(message: SpreadMessage): string {
  switch (message.kind) {
    case 'message': {
      const text = Buffer.from(message.data.subarray(0, SHOWN_MAX)).toString();
      const { sender, service, type, groups, data } = message;
      return `${sender} to ${groups.join(', ')} (${service}, type ${type}, ${data.length} bytes): ${text}`;
    }
    case 'membership': {
      const { group, cause, changed, members, id, sets, ownSet } = message;
      const why = changed === undefined ? cause : `${cause} of ${changed}`;
      const together = cause === 'network' ? `; came with us: ${sets[ownSet]?.join(', ')}` : '';
      return `${group}: ${members.length} members by ${why}: ${members.join(', ')} (${id.daemon} ${id.time} ${id.index})${together}`;
    }
    case 'transitional':
      return `${message.group}: transitional`;
    case 'left':
      return `${message.group}: left`;
    case 'rejected':
      return `rejected by the daemon: type 0x${message.type.toString(16)} to ${message.groups.join(', ')}`;
  }
}

/** On one line, so that nothing that somebody sent can act on the terminal. */
function print(text: string): void {
  const lines = text === HELP ? text : text.replaceAll(/[\p{C}]/gu, '?');
  process.stdout.write(`${lines}\n`);
}
