/**
 * Preloaded into an agent under test (`node --import`): plants faults that no configuration can, in whichever thread is named.
 * On SIGUSR2 the main thread reads the fault from the file named in `FAULT_FILE` and does it, or hands it to the group's thread.
 * The product knows nothing of it.
 */
import { readFileSync, writeSync } from 'node:fs';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

export type Fault =
  /** The thread does nothing else for `for_ms`. */
  | { readonly kind: 'block'; readonly for_ms: number }
  /** The thread ends as if its code had said so. */
  | { readonly kind: 'exit' }
  /** An error that nobody catches. */
  | { readonly kind: 'throw' }
  /** A promise that nobody looks after is rejected. */
  | { readonly kind: 'reject' }
  /** Memory is taken and never given back, until the runtime's own limit. */
  | { readonly kind: 'heap' }
  /** Memory outside the runtime's heap is taken and used, in steps of 8 MiB, as a leak of buffers would. */
  | { readonly kind: 'buffers' }
  /** A read of an address where there is nothing. */
  | { readonly kind: 'segfault' }
  /** The wall clock of the whole process is off by so much from now on. */
  | { readonly kind: 'clock'; readonly off_ms: number };

export type Order = Fault & { readonly thread: 'main' | 'group' };

const channel = new BroadcastChannel('planted-faults');
channel.unref();
const kept: unknown[] = [];
const TrueDate = Date;
const wallClock = Date.now.bind(Date);

function commit(fault: Fault): void {
  switch (fault.kind) {
    case 'block':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fault.for_ms);
      return;
    case 'exit':
      process.exit(7);
      return;
    case 'throw':
      setImmediate(() => {
        throw new Error('a planted error');
      });
      return;
    case 'reject':
      void Promise.reject(new Error('a planted rejection'));
      return;
    case 'heap':
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => ({ at })));
    case 'buffers':
      setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 5);
      return;
    case 'segfault':
      void segfault();
      return;
    case 'clock':
      stepClock(fault.off_ms);
  }
}

/** Timers and the clocks that never step are the kernel's: they go on as before, as they do when an operator sets the time. */
function stepClock(off: number): void {
  const now = () => wallClock() + off;
  globalThis.Date = class extends TrueDate {
    constructor(given?: number | string | Date) {
      super(given ?? now());
    }
    static override now(): number {
      return now();
    }
  } as DateConstructor;
}

async function segfault(): Promise<void> {
  const { default: koffi } = await import('koffi');
  koffi.decode(4096n, 'int');
}

if (isMainThread) {
  process.on('SIGUSR2', () => {
    const order = JSON.parse(readFileSync(process.env['FAULT_FILE'] ?? '', 'utf8')) as Order;
    writeSync(2, `planted: ${JSON.stringify(order)}\n`);
    if (order.kind === 'clock' || order.thread === 'group') channel.postMessage(order);
    if (order.kind === 'clock' || order.thread === 'main') commit(order);
  });
} else {
  channel.onmessage = (message: unknown) => commit((message as { data: Fault }).data);
}
