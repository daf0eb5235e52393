/** Operations of the fake: each change is one, which is done at once or after a while, and may end with an error. */
import type { Project } from './project.ts';
import { Failed, Refused } from './refused.ts';

interface OperationState {
  readonly name: string;
  readonly id: string;
  readonly method: string;
  readonly scope: Readonly<Record<string, string>>;
  done: boolean;
  failure: Failed | undefined;
  readonly finished: Promise<void>;
}

export class Operations {
  /** How long an operation takes, ms. */
  duration = 0;
  /** The next operations of a method end with this instead. */
  readonly failures: { readonly method: string; readonly code: string; readonly message: string }[] = [];
  /** `wait` answers before the operation is done, as Google reserves to itself. */
  impatient = false;
  /** At a time (quota "Concurrent operations"). */
  concurrent = Number.POSITIVE_INFINITY;
  readonly #project: Project;
  readonly #byName = new Map<string, OperationState>();
  readonly #byRequest = new Map<string, OperationState>();
  #running = 0;

  constructor(project: Project) {
    this.#project = project;
  }

  /** The same request number is done once. */
  begin(
    method: string,
    {
      scope,
      requestId,
      perform,
    }: { scope: Readonly<Record<string, string>>; requestId: string | undefined; perform: () => () => void },
  ): object {
    const before = requestId === undefined ? undefined : this.#byRequest.get(requestId);
    if (before !== undefined) return this.#shape(before);
    const act = perform();
    if (this.#running >= this.concurrent)
      throw new Refused(403, 'CONCURRENT_OPERATIONS_QUOTA_EXCEEDED', 'Quota exceeded: concurrent operations');
    const number = this.#project.number();
    const operation: OperationState = {
      name: `operation-${number}`,
      id: `9${number}`,
      method,
      scope,
      done: false,
      failure: undefined,
      finished: this.#after(this.duration, () => this.#finish(operation, act)),
    };
    this.#running += 1;
    this.#byName.set(operation.name, operation);
    if (requestId !== undefined) this.#byRequest.set(requestId, operation);
    if (this.duration === 0) this.#finish(operation, act);
    return this.#shape(operation);
  }

  async read(name: string, { wait }: { readonly wait: boolean }): Promise<object> {
    const operation = this.#byName.get(name);
    if (operation === undefined)
      throw new Refused(404, 'notFound', `The resource 'operations/${name}' was not found`);
    if (wait && !operation.done && !this.impatient) await operation.finished;
    return this.#shape(operation);
  }

  async #after(length: number, act: () => void): Promise<void> {
    if (length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, length));
    act();
  }

  #finish(operation: OperationState, act: () => void): void {
    operation.done = true;
    this.#running -= 1;
    const at = this.failures.findIndex(({ method }) => method === operation.method);
    try {
      if (at >= 0) {
        const [{ code, message }] = this.failures.splice(at, 1) as [Operations['failures'][number]];
        throw new Failed(code, message);
      }
      this.#project.remember();
      act();
      this.#project.changed();
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      operation.failure = error;
    }
  }

  #shape({ name, id, done, failure, scope }: OperationState): object {
    return {
      kind: 'compute#operation',
      name,
      id,
      ...(scope['zone'] !== undefined && {
        zone: `https://www.googleapis.com/compute/v1/projects/${this.#project.id}/zones/${scope['zone']}`,
      }),
      status: done ? 'DONE' : 'RUNNING',
      progress: done ? 100 : 0,
      ...(failure !== undefined && {
        error: { errors: [{ code: failure.code, message: failure.message }] },
        httpErrorStatusCode: 400,
        httpErrorMessage: 'BAD REQUEST',
      }),
    };
  }
}
