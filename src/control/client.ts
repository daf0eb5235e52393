/** Asks a running agent over its unix socket. Holds no connection between calls. */
import { createConnection } from 'node:net';
import type { Status } from '../model/status.ts';
import type { Millis } from '../model/time.ts';
import { decodeResponse, encodeLine } from './codec.ts';
import { ControlError, controlErrorOf } from './control-error.ts';
import { LineSplitter } from './lines.ts';
import type { ControlRequest, ControlResponse } from './messages.ts';

/** A status of 10,000 VIPs is about 5 MB. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

export interface RequestOptions {
  /** Until the whole answer is here. */
  readonly timeout: Millis;
}

/** One question, one answer. Rejects with a {@link ControlError}; a refusal by the agent is an answer. */
export function request(
  socket: string,
  question: Exclude<ControlRequest, { kind: 'watch' }>,
  { timeout }: RequestOptions,
): Promise<ControlResponse> {
  return new Promise((resolve, reject) => {
    const close = open(socket, question, {
      answer: (response) => {
        finish();
        resolve(response);
      },
      failed: (error) => {
        finish();
        reject(error);
      },
    });
    const timer = setTimeout(() => {
      finish();
      reject(
        new ControlError(
          'timeout',
          `the agent at ${socket} did not answer within ${timeout} ms; look at its log`,
        ),
      );
    }, timeout);
    const finish = () => {
      clearTimeout(timer);
      close();
    };
  });
}

export interface Watch {
  /** Settles when the agent is gone ({@link ControlError}, code `closed`), or quietly after `close`. */
  readonly ended: Promise<void>;
  close(): void;
}

/** The status now and after each change, until closed. Errors, also of connecting, come by `ended`. */
export function watch(socket: string, listener: (status: Status) => void): Watch {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const close = open(
    socket,
    { kind: 'watch' },
    {
      answer: (response) => {
        if (response.ok && 'status' in response) return listener(response.status);
        close();
        reject(
          new ControlError('protocol', `the agent at ${socket} refused to be watched: ${response.message}`),
        );
      },
      failed: reject,
    },
  );
  return {
    ended,
    close: () => {
      close();
      resolve();
    },
  };
}

interface Listener {
  answer(response: ControlResponse): void;
  failed(error: ControlError): void;
}

/** Connects, asks, and reads answers until closed. Returns how to close; nothing is called after that. */
function open(socket: string, question: ControlRequest, listener: Listener): () => void {
  let done = false;
  const lines = new LineSplitter(RESPONSE_BYTES_MAX);
  const connection = createConnection(socket);
  const close = () => {
    done = true;
    connection.destroy();
  };
  const fail = (error: ControlError) => {
    if (done) return;
    close();
    listener.failed(error);
  };
  const foreign = () =>
    new ControlError(
      'protocol',
      `what listens at ${socket} does not answer as an agent does; name another socket with --socket`,
    );
  connection.on('connect', () => connection.write(encodeLine(question)));
  connection.on('data', (chunk) => {
    const complete = lines.push(chunk);
    if (complete === 'overflow') return fail(foreign());
    for (const line of complete) {
      if (done) return;
      const response = decodeResponse(line);
      if (response === undefined) return fail(foreign());
      listener.answer(response);
    }
  });
  connection.on('error', (error) => fail(controlErrorOf(error, socket)));
  connection.on('close', () => fail(controlErrorOf({ code: 'it was closed' }, socket)));
  return close;
}
