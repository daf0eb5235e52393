/** From the path of a configuration file to what is in it, or to what is wrong; loads no checker where none is needed. */
import { promises } from 'node:fs';
import { hostname } from 'node:os';
import type { ParseResult } from '../config/parse.ts';
import { scriptUrl } from '../platform/layout.ts';
import { startWorker } from '../platform/worker-thread.ts';
import { type ConfigQuestion, ownMemory, recall, remember } from './remembered-config.ts';

/** Rejects where the file cannot be read, or the thread breaks that checks it. */
export async function parseFile(file: string): Promise<ParseResult> {
  return parseText(file, await promises.readFile(file, 'utf8'));
}

/** @param text of the file. Rejects where the thread breaks that checks it. */
export async function parseText(file: string, text: string): Promise<ParseResult> {
  const question: ConfigQuestion = { text, options: { fileName: file, hostName: hostname() } };
  const memory = ownMemory();
  const known = memory && recall(question, memory);
  if (known !== undefined) return known;
  const result = await parseAside(question);
  if (result.ok && memory !== undefined) void remember(question, result, memory);
  return result;
}

/** Parses on a thread of its own. Rejects only if that thread breaks. */
function parseAside(question: ConfigQuestion): Promise<ParseResult> {
  return new Promise((resolve, reject) => {
    const script = scriptUrl('bin/config-thread.ts');
    const worker = startWorker(
      { script, data: question },
      {
        message: (result) => {
          resolve(result as ParseResult);
          void worker.terminate();
        },
        ended: (reason) => reject(new Error(`the parser of the configuration broke: ${reason}`)),
      },
    );
  });
}
