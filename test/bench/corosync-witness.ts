/**
 * Prints when the daemon of this network namespace tells of a new membership, and when it gives back a message that was sent at that
 * moment, as JSON lines: a member of a group of its own.
 */

import { monotonicNow } from '../../src/platform/clock.ts';
import { Cpg } from '../../src/platform/corosync-library.ts';
import { watchReadable } from '../../src/platform/poll.ts';

const opened = Cpg.load();
if (!opened.ok) throw new Error(opened.reason);
const cpg = opened.library;
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const codes = [cpg.initialize(), cpg.join('witness')];
if (codes.some((code) => code !== 1)) throw new Error(`cs_error_t ${codes.join(', ')}`);

const node = cpg.localNode().value;
watchReadable(cpg.descriptor().value, {
  readable() {
    const at = monotonicNow();
    const { code, value } = cpg.dispatch();
    if (code !== 1) process.exit(0);
    for (const event of value) {
      if (event.kind === 'message' && event.node === node) print({ back: at });
      if (event.kind !== 'members' || event.left.length === 0) continue;
      cpg.multicast(Buffer.from('word'));
      print({ at, left: event.left.map((address) => address.node) });
    }
  },
});
print({});
