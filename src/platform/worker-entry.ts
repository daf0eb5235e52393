/** First code of every thread: switches on the compile cache of the process, then runs the thread's own script. */
import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { ThreadBoot } from './worker-thread.ts';

const { script, compileCache } = workerData as ThreadBoot;
// Node names the folder of this very version below the one that is asked for.
if (compileCache !== undefined) enableCompileCache(new URL('..', `file://${compileCache}/`).pathname);
await import(script);
