/**
 * Entry point of a short-lived thread that parses a configuration file: a big file then blocks no loop, and what the
 * parser needs in memory is gone when it is done. Started by parse-file.ts only.
 */
import { type ParseResult, parseConfig } from '../config/parse.ts';
import { workerHome } from '../platform/worker-thread.ts';
import type { ConfigQuestion } from './remembered-config.ts';

const home = workerHome();
const { text, options } = home.data as ConfigQuestion;
const result: ParseResult = parseConfig(text, options);
home.post(result);
home.close();
