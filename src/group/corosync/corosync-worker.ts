/**
 * The thread that speaks with corosync: its library waits while the daemon stands still, and the agent must not. One run after the
 * other. Entry point; started by thread.ts only.
 */
import { enterNetworkNamespace } from '../../platform/libc.ts';
import { workerHome } from '../../platform/worker-thread.ts';
import { Run } from './run.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

const home = workerHome();
const post = (message: FromThread, transfer?: readonly ArrayBuffer[]): void => home.post(message, transfer);
let run: Run | undefined;

const { network } = home.data as ThreadData;
if (network !== undefined) enterNetworkNamespace(network);

home.listen((told) => {
  const message = told as ToThread;
  if (message.kind === 'join') {
    run = new Run(message.start, post);
    void run.begin();
  } else if (message.kind === 'multicast') run?.multicast(message.bytes);
  else if (message.kind === 'leave') run?.leave();
  else run?.look();
});
