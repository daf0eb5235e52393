/** Messages of members that cannot be read (of another release, or broken): each is counted, and of each sender one is logged. */
import { type MemberId, nameOf } from '../model/member.ts';
import type { View } from '../model/view.ts';
import type { AgentAction } from './events.ts';

export class Unreadable {
  readonly #senders = new Set<MemberId>();
  count = 0;

  /** Who left comes back as somebody else. */
  install({ members }: View): void {
    for (const sender of this.#senders) if (!members.includes(sender)) this.#senders.delete(sender);
  }

  from(sender: MemberId, error: string): AgentAction[] {
    this.count += 1;
    if (this.#senders.has(sender)) return [];
    this.#senders.add(sender);
    const reason = `from ${nameOf(sender)}: ${error}; further ones of this member are counted only`;
    return [{ kind: 'note', level: 'warn', what: 'message ignored', reason }];
  }
}
