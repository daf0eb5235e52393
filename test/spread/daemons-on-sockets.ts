/** The daemon double behind unix sockets, one for each daemon: what clients connect to in tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DaemonSession, type DaemonSettings, Daemons } from './daemon.ts';

/** A ring forms this long after its daemons changed, ms. */
const FORMING_MS = 20;

interface Visitor {
  readonly socket: Socket;
  readonly session: DaemonSession;
}

export class DaemonsOnSockets {
  readonly double: Daemons;
  readonly #folder = mkdtempSync(join(tmpdir(), 'spread-'));
  readonly #servers = new Map<string, Server>();
  readonly #visitors = new Map<string, Set<Visitor>>();
  readonly #frozen = new Set<string>();
  #forming: NodeJS.Timeout | undefined;

  constructor(settings: DaemonSettings) {
    this.double = new Daemons(settings);
  }

  /** All of them listen. */
  async begin(): Promise<this> {
    await Promise.all(this.double.settings.names.map((name) => this.#listen(name)));
    return this;
  }

  /** In Spread's notation. */
  target(name: string): string {
    return join(this.#folder, name);
  }

  async kill(name: string): Promise<void> {
    this.double.kill(name);
    this.#frozen.delete(name);
    await this.#close(name);
    this.#form();
  }

  async start(name: string): Promise<void> {
    this.double.start(name);
    await this.#listen(name);
    this.#form();
  }

  /** As SIGSTOP would: it neither reads nor writes nor says a word to anybody, and its peers go on without it. */
  freeze(name: string): void {
    this.#frozen.add(name);
    for (const { socket } of this.#visitors.get(name) ?? []) socket.pause();
    this.connect(
      [name],
      this.double.settings.names.filter((other) => other !== name),
    );
  }

  connect(...parts: readonly (readonly string[])[]): void {
    this.double.connect(...parts);
    this.#form();
  }

  /** Cuts off the client of this private group, as if its process had died; its own end sees the stream close. */
  cutOff(privateGroup: string): void {
    for (const visitor of [...this.#visitors.values()].flatMap((all) => [...all])) {
      if (visitor.session.group !== privateGroup) continue;
      visitor.session.end();
      visitor.socket.destroy();
    }
  }

  /** Private groups of all sessions. */
  get sessions(): string[] {
    return this.double.all.flatMap((daemon) => [...daemon.sessions.values()].map(({ group }) => group));
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#forming);
    await Promise.all([...this.#servers.keys()].map((name) => this.#close(name)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #form(): void {
    clearTimeout(this.#forming);
    this.#forming = setTimeout(() => this.double.settle(), FORMING_MS);
  }

  #listen(name: string): Promise<void> {
    const visitors = new Set<Visitor>();
    const server = createServer((socket) => this.#visit(name, socket, visitors));
    this.#servers.set(name, server);
    this.#visitors.set(name, visitors);
    return new Promise((resolve) => server.listen(this.target(name), resolve));
  }

  #visit(name: string, socket: Socket, visitors: Set<Visitor>): void {
    const session = this.double.daemon(name).open({
      write: (bytes) => {
        if (!this.#frozen.has(name)) socket.write(bytes);
      },
      close: () => socket.end(),
    });
    const visitor = { socket, session };
    visitors.add(visitor);
    if (this.#frozen.has(name)) socket.pause();
    socket.on('data', (bytes: Buffer) => session.receive(bytes));
    socket.on('end', () => session.end());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      session.end();
      visitors.delete(visitor);
    });
  }

  #close(name: string): Promise<void> {
    for (const { socket } of this.#visitors.get(name) ?? []) socket.destroy();
    const server = this.#servers.get(name);
    this.#servers.delete(name);
    return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }
}
