#!/usr/bin/env node
// An exec provider in one file: it puts VIPs on an interface with `ip`. Replace `present`, `put` and `take` by calls of your platform.
// What it is asked and what it may answer is in docs/writing-a-provider.md. Needs the environment variable INTERFACE, and root.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const dev = process.env.INTERFACE ?? 'eth0';
const ip = (...words) => execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const label = ({ address, prefix_length: length }) => `${address}/${length}`;

/** The addresses that are on the interface now, asked afresh each time. */
function present() {
  const [link] = JSON.parse(ip('-j', 'address', 'show', 'dev', dev));
  return new Set(link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
}

function put(address) {
  ip('address', 'replace', label(address), 'dev', dev, ...(address.family === 6 ? ['nodad'] : []));
}

function take(address) {
  if (present().has(label(address))) ip('address', 'delete', label(address), 'dev', dev);
}

/** A VIP is all of its addresses or none: what went up in vain comes down again. */
function acquire(vip) {
  try {
    for (const address of vip.addresses) put(address);
    return 'put up';
  } catch (error) {
    for (const address of vip.addresses) take(address);
    throw error;
  }
}

function release(vip) {
  for (const address of vip.addresses) take(address);
  return 'taken down';
}

function answerFor(vip, deed) {
  const held = () => vip.addresses.every((address) => present().has(label(address)));
  try {
    const reason = deed?.(vip) ?? `looked at ${dev}`;
    return { id: vip.id, held: held(), reason };
  } catch (error) {
    return { id: vip.id, held: held(), code: 'failed', reason: String(error.stderr || error.message).trim() };
  }
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
const deeds = { inspect: undefined, renew: undefined, acquire, release };
const answer =
  verb === 'test'
    ? { checks: test() }
    : verb in deeds
      ? { vips: vips.map((vip) => answerFor(vip, deeds[verb])) }
      : { unsupported: true };
console.log(JSON.stringify({ version: 1, ...answer }));
