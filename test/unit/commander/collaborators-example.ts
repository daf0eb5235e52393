/** Collaborators that record what is printed and asked, for tests. */
import type { Collaborators } from '../../../src/commander/collaborators.ts';
import { runCli } from '../../../src/commander/run.ts';
import { ControlError } from '../../../src/control/control-error.ts';
import type { ControlRequest, ControlResponse } from '../../../src/control/messages.ts';
import { statusExample } from '../control/status-example.ts';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Socket and question of each request. */
  readonly asked: readonly (readonly [string, ControlRequest])[];
}

export interface Scene extends Partial<Omit<Collaborators, 'stdout' | 'stderr'>> {
  /** Files by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly answer?: (question: ControlRequest, socket: string) => ControlResponse | ControlError;
}

export const STATUS = statusExample();

/** Runs a command line; words are separated by spaces. */
export async function run(
  words: string,
  { files = {}, answer = answerWell, ...others }: Scene = {},
): Promise<Run> {
  const printed = { out: '', err: '' };
  const asked: [string, ControlRequest][] = [];
  const collaborators: Collaborators = {
    version: '0.1.0',
    hostName: 'a',
    terminal: () => ({ interactive: false, color: false }),
    now: () => Date.parse('2026-01-02T12:00:00.000Z'),
    readFile: (path) =>
      Object.hasOwn(files, path)
        ? Promise.resolve(files[path]!)
        : Promise.reject(Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' })),
    listFiles: (pattern, folder) => {
      const wanted = (pattern.startsWith('/') ? pattern : `${folder}/${pattern}`)
        .replaceAll('.', '\\.')
        .replaceAll('*', '[^/]*');
      return Promise.resolve(Object.keys(files).filter((name) => new RegExp(`^${wanted}$`).test(name)));
    },
    addressOn: () => undefined,
    watch: () => ({ ended: Promise.resolve(), close: () => {} }),
    generateKey: () => 'ab'.repeat(32),
    writeKeyFile: () => Promise.resolve(),
    readKeyFile: () => Promise.resolve([new Uint8Array(32)]),
    serviceKeyProblem: () => Promise.resolve(undefined),
    replaceKeyFile: () => Promise.resolve(),
    fingerprintOf: (key) => `f${key[0]}`,
    runAgent: () => Promise.resolve(0),
    runDemo: () => Promise.resolve(0),
    runSpreadUser: () => Promise.resolve(0),
    checkHost: () => Promise.resolve([]),
    testProviders: () => Promise.resolve([]),
    defaultRoutes: () => [],
    listProviders: () => Promise.resolve({ kinds: [], configured: [] }),
    providerPolicy: () => Promise.resolve(undefined),
    rehearse: () => Promise.reject(new Error('nothing was to be simulated')),
    cleanUp: () => Promise.resolve([]),
    install: () => Promise.resolve({ ok: true, done: [], notes: [] }),
    uninstall: () => Promise.resolve({ ok: true, done: [], notes: [] }),
    request: (socket, question) => {
      asked.push([socket, question]);
      const response = answer(question, socket);
      return response instanceof ControlError ? Promise.reject(response) : Promise.resolve(response);
    },
    ...others,
    stdout: {
      write: (text) => {
        printed.out += text;
      },
    },
    stderr: {
      write: (text) => {
        printed.err += text;
      },
    },
  };
  const code = await runCli(words === '' ? [] : words.split(' '), collaborators);
  return { code, ...printed, asked };
}

export function answerWell(question: ControlRequest): ControlResponse {
  if (question.kind === 'status') return { ok: true, status: STATUS };
  return { ok: true, message: `${question.kind === 'command' ? question.command.kind : question.kind} done` };
}
