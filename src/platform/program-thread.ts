/**
 * The thread that starts the operator's programs: it has no rights beyond those of its user and ordinary priority, so what it
 * starts has no more either, and a slow fork holds up nobody. Entry point; started by program-runner.ts only.
 */
import { setPriority } from 'node:os';
import { dropCapabilities } from './libc.ts';
import { type ProgramOutcome, type ProgramRequest, runProgram } from './program.ts';
import { workerHome } from './worker-thread.ts';

export type ToProgramThread =
  | { readonly kind: 'run'; readonly number: number; readonly request: ProgramRequest }
  | { readonly kind: 'abort'; readonly number: number };

export interface FromProgramThread {
  readonly number: number;
  readonly outcome: ProgramOutcome;
}

const home = workerHome();
const running = new Map<number, AbortController>();

function handle(message: ToProgramThread): void {
  if (message.kind === 'abort') return running.get(message.number)?.abort();
  void run(message.number, message.request);
}

async function run(number: number, request: ProgramRequest): Promise<void> {
  const abort = new AbortController();
  running.set(number, abort);
  const outcome = await runProgram(request, abort.signal);
  running.delete(number);
  const message: FromProgramThread = { number, outcome };
  home.post(message);
}

// Root's programs get root's rights anew when they start; anybody else's keep what the thread has.
if (process.geteuid?.() !== 0) dropCapabilities();
// On Linux the value belongs to the thread, and what it starts inherits it.
setPriority(0, 0);
home.listen((message) => handle(message as ToProgramThread));
