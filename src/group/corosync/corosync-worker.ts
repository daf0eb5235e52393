/**
 * The thread that speaks with corosync: its library waits while the daemon stands still, and the agent must not. One run after the
 * other. Entry point; started by thread.ts only.
 */
import { monotonicNow } from '../../platform/clock.ts';
import { enterNetworkNamespace } from '../../platform/libc.ts';
import { workerHome } from '../../platform/worker-thread.ts';
import { ChangePractice } from './practice.ts';
import { Run } from './run.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

const home = workerHome();
const post = (message: FromThread, transfer?: readonly ArrayBuffer[]): void => home.post(message, transfer);
let run: Run | undefined;
/** One for all runs: what was compiled stays. */
let practice: ChangePractice | undefined;

const { network } = home.data as ThreadData;
if (network !== undefined) enterNetworkNamespace(network);

home.listen((told) => {
  const message = told as ToThread;
  if (message.kind === 'join') {
    const { cluster, group } = message.start;
    run = new Run(message.start, {
      post,
      practice: ({ decrees }) =>
        (practice ??= new ChangePractice({ cluster, cpgGroup: group.cpg_group, decrees }, monotonicNow)),
    });
    void run.begin();
  } else if (message.kind === 'multicast') run?.multicast(message.bytes);
  else if (message.kind === 'leave') run?.leave();
  else run?.look();
});
