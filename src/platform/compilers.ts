/** Which of the runtime's compilers work once the agent runs. Changes nothing but speed and memory. */
import { setFlagsFromString } from 'node:v8';

/**
 * What an agent does it does a few times a second: the simpler compilers earn back what they cost within a minute, the
 * optimizing one never does and takes 5 MB. Not on the command line: code that the runtime brings compiled is bound to the
 * flags it was started with, and compiling it anew would cost a start 70 ms.
 */
export function compileSparingly(): void {
  for (const flag of ['--no-turbofan', '--no-maglev-inlining', '--no-concurrent-sparkplug'])
    setFlagsFromString(flag);
}
