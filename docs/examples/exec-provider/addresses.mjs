#!/usr/bin/env node
// An exec provider in one file: it puts VIPs on an interface with `ip`. Replace `present`, `put` and `take` by calls of your platform.
// What it is asked and what it may answer is in docs/writing-a-provider.md. Needs the environment variable INTERFACE, and root.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const dev = process.env.INTERFACE ?? 'eth0';
const ip = (...words) => execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const label = ({ address, prefix_length: length }) => `${address}/${length}`;

// The last line on standard error is what the operator reads.
process.on('uncaughtException', (error) => {
  console.error(String(error.stderr || error.message).trim());
  process.exit(1);
});

/** The addresses that are on the interface now, asked afresh each time. */
function present() {
  const [link] = JSON.parse(ip('-j', 'address', 'show', 'dev', dev));
  return new Set(link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
}

function put(address) {
  ip('address', 'replace', label(address), 'dev', dev, ...(address.family === 6 ? ['nodad'] : []));
}

/** What is not there need not be taken away. */
function take(address, there = present()) {
  if (there.has(label(address))) ip('address', 'delete', label(address), 'dev', dev);
}

/** A VIP is all of its addresses or none: what went up in vain comes down again. */
function acquire({ addresses }) {
  try {
    for (const address of addresses) put(address);
    return 'put up';
  } catch (error) {
    for (const address of addresses) take(address);
    throw error;
  }
}

function release({ addresses }, before) {
  for (const address of addresses) take(address, before);
  return 'taken down';
}

/** Does it for each VIP, then looks what is really there: that, and not what was meant, is the answer. */
function answers(deed) {
  const before = present();
  const told = vips.map((vip) => {
    try {
      return { reason: deed(vip, before) };
    } catch (error) {
      return { code: 'failed', reason: String(error.stderr || error.message).trim() };
    }
  });
  const after = present();
  const held = ({ addresses }) => addresses.every((address) => after.has(label(address)));
  return vips.map((vip, at) => ({ id: vip.id, held: held(vip), ...told[at] }));
}

/** Changes nothing. */
function test() {
  try {
    present();
    return [{ what: `interface ${dev}`, verdict: 'pass', detail: 'is there' }];
  } catch {
    const mend = 'set INTERFACE in `env` of the provider to one that `ip link` shows';
    return [{ what: `interface ${dev}`, verdict: 'fail', detail: 'is not there', mend }];
  }
}

const { verb, vips } = JSON.parse(readFileSync(0, 'utf8'));
const look = () => `looked at ${dev}`;
const deeds = { inspect: look, renew: look, acquire, release };
const answer =
  verb === 'test'
    ? { checks: test() }
    : verb in deeds
      ? { vips: answers(deeds[verb]) }
      : { unsupported: true };
console.log(JSON.stringify({ version: 1, ...answer }));
