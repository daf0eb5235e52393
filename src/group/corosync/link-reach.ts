/**
 * Which nodes corosync's own links reach, as of the last time it said so. It says nothing while it synchronises, and then what it said last counts:
 * the links' times are parts of the token's, so a loss shows before the ring is formed anew.
 */
import type { Millis } from '../../model/time.ts';
import type { LinkMap } from '../../platform/corosync-totem.ts';
import { type Descriptor, shutDownSocket } from '../../platform/libc.ts';
import type { LinkQuestions } from './link-questions.ts';

export interface LinkReachSettings {
  readonly links: Pick<LinkMap, 'descriptor' | 'finalize'>;
  readonly questions: Pick<LinkQuestions, 'answers'>;
  /** Between two questions of a link. */
  readonly ping: Millis;
  readonly now: () => number;
}

/**
 * What a link counts as is no proof: when it is slow (a busy machine) it counts as connected for seconds after its last answer. So many questions may stay
 * without one.
 */
const UNANSWERED_MAX = 3;

interface Count {
  readonly answers: number;
  /** When it was last seen to have grown. */
  readonly grown: number;
}

export class LinkReach {
  readonly #settings: LinkReachSettings;
  readonly #counts = new Map<number, Count>();
  #reached: ReadonlySet<number> = new Set();
  /** What is asked at present. */
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(settings: LinkReachSettings) {
    this.#settings = settings;
  }

  get descriptor(): Descriptor {
    return this.#settings.links.descriptor().value;
  }

  /** To be called now and then, with the nodes that matter. */
  look(nodes: readonly number[]): void {
    if (this.#looking !== undefined || this.#closed || nodes.length === 0) return;
    this.#looking = this.#ask(nodes).finally(() => {
      this.#looking = undefined;
    });
  }

  async #ask(nodes: readonly number[]): Promise<void> {
    const reached = new Set<number>();
    for (const node of nodes) {
      // Who waits for the end does not wait for more than one answer.
      if (this.#closed) return;
      if (this.#isHeard(node, await this.#settings.questions.answers(node))) reached.add(node);
    }
    this.#reached = reached;
  }

  #isHeard(node: number, answers: number | undefined): boolean {
    const { ping, now } = this.#settings;
    const before = this.#counts.get(node);
    if (answers === undefined) return this.#counts.delete(node) && false;
    const grown = before === undefined || answers > before.answers ? now() : before.grown;
    this.#counts.set(node, { answers, grown });
    return now() - grown <= UNANSWERED_MAX * ping;
  }

  /** Whether the node is reached; never with a transport that does not watch its links. */
  has(node: number): boolean {
    return this.#reached.has(node);
  }

  /** A promise where an answer is still waited for. */
  close(): Promise<void> | undefined {
    const { links } = this.#settings;
    this.#closed = true;
    const looking = this.#looking;
    if (looking === undefined) {
      links.finalize();
      return undefined;
    }
    shutDownSocket(this.descriptor);
    return looking.then(() => void links.finalize());
  }
}
