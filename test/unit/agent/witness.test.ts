/**
 * Two members and a witness, with whole agents: who is primary, and when. The witness is the lease of `src/witness` on a record that both
 * reach while their API is up, whatever becomes of the network between them.
 */
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { Lease, type LeaseEvent } from '../../../src/witness/lease.ts';
import type { WitnessRecord } from '../../../src/witness/store.ts';
import { vips } from './config.ts';
import { world as plainWorld, quiet, together } from './stage.ts';
import { type Host, random, type World } from './world.ts';

const LEASE = 10_000;
const list = vips(4, { policy: 'primary' });
const quorum: Config['quorum'] = {
  votes: {},
  expected_votes: 2,
  witness: { kind: 's3', place: 'x', key: 'k', lease_ms: LEASE, renew_ms: 2_000 },
};

/** The record, and a lease for each host. */
class Witness {
  readonly #world: World;
  readonly #leases = new Map<string, { readonly lease: Lease; timer: number }>();
  readonly #random = random(5);
  record: { version: string; record: WitnessRecord } | undefined;
  /** Hosts whose API does not answer. */
  readonly down = new Set<string>();
  delay = 40;
  writes = 0;
  readonly fences: number[] = [];

  constructor(w: World) {
    this.#world = w;
    w.witnessed = (host, { wanted, fence }) => this.#give(host, { kind: 'want', wanted, fence });
  }

  #of(host: Host) {
    const known = this.#leases.get(host.id);
    if (known) return known;
    const settings = { self: host.id, lease: LEASE, renew: 2_000, look: 60_000 };
    const made = { lease: new Lease(settings, () => `n${this.#random()}`), timer: 0 };
    this.#leases.set(host.id, made);
    return made;
  }

  has(name: string): boolean {
    const host = this.#world.host(name);
    return host.alive && this.#of(host).lease.hasVote(this.#world.now);
  }

  #give(host: Host, event: LeaseEvent): void {
    const w = this.#world;
    const { agent } = host;
    if (!host.alive) return;
    const own = this.#of(host);
    for (const action of own.lease.handle(event, w.now)) {
      if (action.kind === 'vote') {
        const { kind: _, ...vote } = action;
        // The loop hands it on as an event of its own.
        w.at(w.now, () => host.agent === agent && w.give(host, { kind: 'witness', ...vote }));
      } else if (action.kind === 'trouble') continue;
      else {
        const { number } = action;
        if (this.down.has(host.name)) {
          w.at(w.now + 1_500, () => this.#give(host, { kind: 'failed', number, reason: 'no answer' }));
          continue;
        }
        w.at(w.now + 1 + this.#random() * this.delay, () => {
          const answer: LeaseEvent =
            action.kind === 'read'
              ? {
                  kind: 'read',
                  number,
                  reading: this.record ? { kind: 'record', ...this.record } : { kind: 'absent' },
                }
              : { kind: 'wrote', number, writing: this.#write(action.record, action.version) };
          w.at(
            w.now + 1 + this.#random() * this.delay,
            () => host.agent === agent && this.#give(host, answer),
          );
        });
      }
    }
    const timer = ++own.timer;
    const at = own.lease.nextTimeout();
    if (at === undefined) return;
    w.at(
      Math.max(w.now + 1, at),
      () => own.timer === timer && host.agent === agent && this.#give(host, { kind: 'timeout' }),
    );
  }

  #write(record: WitnessRecord, version: string | undefined) {
    if (this.record?.version !== version) return { kind: 'conflict' } as const;
    this.writes += 1;
    this.record = { version: `v${this.writes}`, record };
    return { kind: 'written', version: this.record.version } as const;
  }
}

interface Scene {
  readonly w: World;
  readonly witness: Witness;
}

/** From now on what the two believe of each other is ours to say. */
function scene(overrides: Partial<Config> = {}): Scene {
  const w = plainWorld({ hosts: ['a', 'b'], list, overrides: { ...quiet, quorum, ...overrides } });
  const witness = new Witness(w);
  w.departed = () => undefined;
  together(w);
  w.run(1_000);
  expect([...w.hosts.values()].map((h) => h.up.size)).toEqual([2, 2]);
  // A link that is cut is cut for the VIPs too.
  w.connected = (x, y) => x.component === y.component;
  let metAt = 0;
  let wereTogether = true;
  w.check = () => {
    const [a, b] = ['a', 'b'].map((name) => w.host(name).component);
    if (!wereTogether && a === b) metAt = w.now;
    wereTogether = a === b;
    for (const { id } of list) {
      const [one, other] = w.holders(id);
      // Two parts that both had it when they met may keep it until they have spoken.
      if (one && other && one.component === other.component && w.now - metAt > 100)
        throw new Error(`${id} is held by ${one.name} and ${other.name} at ${w.now}`);
    }
    const acting = [...w.hosts.values()].filter(
      (h) =>
        h.alive &&
        h.agent.table?.primary === true &&
        h.agent.table.view.members.length === 1 &&
        witness.has(h.name),
    );
    if (acting.length > 1) throw new Error(`both are primary at ${w.now}`);
  };
  return { w, witness };
}

function split({ w }: Scene): void {
  for (const host of [...w.hosts.values()]) w.form([host.id], 'host');
}

/** The power of a host goes. */
function dies({ w }: Scene, name: string): void {
  const host = w.host(name);
  host.alive = false;
  host.up.clear();
  for (const other of w.hosts.values()) if (other.alive) w.form([other.id], 'host');
}

const counts = ({ w }: Scene) => Object.fromEntries([...w.hosts.values()].map((h) => [h.name, h.up.size]));

describe('two members with a witness', () => {
  it('need none while both are there', () => {
    const s = scene();
    s.w.run(60_000);
    expect(s.witness.writes).toBe(0);
  });

  it('when one dies the other serves everything after one write, and drops nothing meanwhile', () => {
    const s = scene();
    const own = new Set(s.w.host('b').up);
    s.w.check = () => {
      for (const id of own) if (!s.w.host('b').up.has(id)) throw new Error(`${id} is dropped at ${s.w.now}`);
    };
    dies(s, 'a');
    s.w.run(600);
    expect(s.witness.writes).toBe(1);
    expect(counts(s)).toEqual({ a: 0, b: 4 });
  });

  it('when they are cut apart one serves everything, the other nothing, and both again when they meet', () => {
    const s = scene();
    split(s);
    s.w.run(3_000);
    expect(Object.values(counts(s)).sort((x, y) => x - y)).toEqual([0, 4]);
    s.w.run(60_000);
    expect(Object.values(counts(s)).sort((x, y) => x - y)).toEqual([0, 4]);
    s.w.form(
      ['a', 'b'].map((name) => s.w.host(name).id),
      'host',
    );
    s.w.run(3_000);
    expect(Object.values(counts(s)).reduce((x, y) => x + y)).toBe(4);
    // What is not needed is given back, so that the next time it is one write again.
    expect(s.witness.record?.record.owner).toBe('');
  });

  it('who is told that the other one has it lets go at once, says whose it is, and does not say so again', () => {
    const s = scene();
    const notes = () =>
      s.w.actions.flatMap(({ host, action }) =>
        action.kind === 'note' && action.what === 'has no vote of the witness'
          ? [`${host.slice(0, 1)}: ${action.reason}`]
          : [],
      );
    split(s);
    // Two calls there and back for the winner; the loser's write conflicts, and it has another look.
    s.w.run(6 * (1 + s.witness.delay));
    const [winner, loser] = s.witness.has('a') ? ['a', 'b'] : ['b', 'a'];
    expect(s.w.host(loser).up.size).toBe(0);
    s.w.run(20_000);
    expect(s.w.host(winner).up.size).toBe(4);
    expect(notes()).toEqual([expect.stringContaining(`${loser}: the witness is with ${winner}#`)]);
  });

  it('is no refusal where a member of the same view has it', () => {
    const s = scene();
    const a = s.w.host('a');
    s.witness.down.add('a');
    dies(s, 'b');
    const hears = (owner: string) => {
      s.w.give(a, { kind: 'witness', has: false, fence: 0, reason: 'test', owner });
      s.w.run(100);
      return a.up.size;
    };
    // An earlier answer tells of a member that is here, whose report is on its way.
    expect(hears(a.id)).toBe(2);
    expect(hears('not a member')).toBe(2);
    expect(hears(s.w.host('b').id)).toBe(0);
  });

  it('when who has it dies while they are apart, the other one has it a lease later', () => {
    const s = scene();
    split(s);
    s.w.run(20_000);
    const [winner, loser] = s.witness.has('a') ? ['a', 'b'] : ['b', 'a'];
    const host = s.w.host(winner);
    host.alive = false;
    host.up.clear();
    s.w.run(0.9 * LEASE - 2_100);
    expect(s.w.host(loser).up.size).toBe(0);
    s.w.run(2_100 + 0.2 * LEASE + 3_000);
    expect(s.w.host(loser).up.size).toBe(4);
  });

  it('whoever cannot ask keeps what it has for a moment, and then nothing', () => {
    const s = scene();
    s.witness.down.add('a').add('b');
    dies(s, 'a');
    s.w.run(1_500);
    expect(s.w.host('b').up.size).toBe(2);
    s.w.run(1_500);
    expect(s.w.host('b').up.size).toBe(0);
    expect(s.w.host('b').agent.status(s.w.now, 0).vips[0]?.reason).toContain(
      "1 of 3 votes are only here, the witness's not among them",
    );
    s.witness.down.clear();
    s.w.run(5_000);
    expect(s.w.host('b').up.size).toBe(4);
  });

  it('whoever loses it lets go at once', () => {
    const s = scene();
    dies(s, 'a');
    s.w.run(5_000);
    expect(s.w.host('b').up.size).toBe(4);
    s.witness.down.add('b');
    s.w.run(0.9 * LEASE - 2_100);
    expect(s.w.host('b').up.size).toBe(4);
    s.w.run(2_100 + 20);
    expect(s.w.host('b').up.size).toBe(0);
  });

  it('is given back by who stops when nothing is held under it any more, and not before', () => {
    const s = scene();
    split(s);
    s.w.run(5_000);
    const name = s.witness.has('a') ? 'a' : 'b';
    s.w.check = () => {
      const { owner = '' } = s.witness.record?.record ?? {};
      if (owner === '' && s.w.host(name).up.size > 0)
        throw new Error(`given back at ${s.w.now} by who holds`);
    };
    s.w.releaseTakes = 500;
    s.w.give(s.w.host(name), { kind: 'stop', reason: 'test' });
    s.w.run(2_000);
    expect(s.w.host(name).up.size).toBe(0);
    s.w.run(4_000);
    expect(s.w.host(name === 'a' ? 'b' : 'a').up.size).toBe(4);
  });

  it('who drains leaves it to the other', () => {
    const s = scene();
    s.w.give(s.w.host('a'), { kind: 'command', number: 1, command: { kind: 'drain', member: 'a' } });
    s.w.run(1_000);
    split(s);
    s.w.run(3_000);
    expect(counts(s)).toEqual({ a: 0, b: 4 });
  });

  it('the fences of all acquires rise from holder to holder, whatever the epochs are', () => {
    const s = scene();
    const fences = (from: number) =>
      s.w.actions
        .slice(from)
        .flatMap(({ host, action }) => (action.kind === 'acquire' ? [[host, action.fence] as const] : []));
    let last = 0;
    for (const name of ['a', 'b', 'a']) {
      const from = s.w.actions.length;
      dies(s, name);
      s.w.run(30_000);
      const now = fences(from).map(([, fence]) => fence);
      expect(now.length).toBeGreaterThan(0);
      expect(Math.min(...now)).toBeGreaterThan(last);
      last = Math.max(last, ...fences(0).map(([, fence]) => fence));
      const host = s.w.boot(name);
      s.w.run(10);
      const other = name === 'a' ? 'b' : 'a';
      s.w.form([s.w.host(other).id, host.id], 'host');
      s.w.run(40_000);
    }
  });
});

describe('whatever happens to two members with a witness', () => {
  it('both are never primary alone, nobody holds beside the other, and all is served within bounds in the end', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const s = scene();
      const draw = random(seed);
      const { w, witness } = s;
      try {
        for (let act = 0; act < 25; act++) {
          const name = draw() < 0.5 ? 'a' : 'b';
          const what = draw();
          const alive = [...w.hosts.values()].filter((h) => h.alive);
          if (what < 0.3) split(s);
          else if (what < 0.5)
            w.form(
              alive.map((h) => h.id),
              'host',
            );
          else if (what < 0.6 && alive.length === 2) dies(s, name);
          else if (what < 0.75 && alive.length < 2) {
            const gone = [...w.hosts.values()].find((h) => !h.alive);
            if (gone) w.boot(gone.name);
          } else if (what < 0.85) witness.down.add(name);
          else if (what < 0.95) witness.down.delete(name);
          else witness.delay = draw() < 0.5 ? 40 : 700;
          w.run(draw() < 0.4 ? draw() * 400 : draw() * 9_000);
        }
        witness.down.clear();
        witness.delay = 40;
        for (const host of [...w.hosts.values()]) if (!host.alive) w.boot(host.name);
        const one = draw() < 0.5;
        if (one) split(s);
        else
          w.form(
            [...w.hosts.values()].map((h) => h.id),
            'host',
          );
        w.run(1.1 * LEASE + 15_000);
        const served = list.filter(({ id }) => w.holders(id).length === 1);
        expect(served).toHaveLength(list.length);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }, 120_000);
});
