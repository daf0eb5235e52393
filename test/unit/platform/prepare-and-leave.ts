/** A process that prepares a thread and has nothing else to do. */
import { prepareWorker } from '../../../src/platform/worker-thread.ts';

prepareWorker(new URL('./echo-thread.ts', import.meta.url));
