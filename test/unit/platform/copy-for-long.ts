/** A process that copies what a library has, again and again, and prints by how many bytes it grew by that. */
import { bytesAt, wordsAt } from '../../../src/platform/foreign-memory.ts';

const foreign = Buffer.alloc(4096, 7);
const grown = (times: number): number => {
  const before = process.memoryUsage.rss();
  for (let index = 0; index < times; index += 1) {
    bytesAt(foreign, 50 + (index % 500));
    wordsAt(foreign, 9);
  }
  return process.memoryUsage.rss() - before;
};

// Until the runtime has compiled all, and has as much memory as it wants.
grown(200_000);
process.stdout.write(String(grown(1_000_000)));
