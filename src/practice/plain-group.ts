/** A group whose members are told of a change the moment it comes about: what an engine on its own thread hands to the agent. */
import type { GroupEvent } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import { type Departure, type View, viewId } from '../model/view.ts';
import type { GroupOutlets, PracticeEngine, PracticeGroup } from './stage.ts';

export const plainEngine: PracticeEngine = (outlets) => new PlainGroup(outlets);

/** As high as those of an engine that counts on from the time of day: other machine code reckons with such numbers than with small ones. */
const EPOCH = 2 ** 40;

class PlainGroup implements PracticeGroup {
  readonly #outlets: GroupOutlets;
  #members: readonly MemberId[] = [];
  #epoch = EPOCH;

  constructor(outlets: GroupOutlets) {
    this.#outlets = outlets;
  }

  form(members: readonly MemberId[], how: Departure): void {
    const before = this.#members;
    this.#members = members;
    this.#epoch += 1;
    for (const to of members) {
      const view = viewOf({ members, before: before.includes(to) ? before : [], epoch: this.#epoch, how });
      this.#deliver(to, { kind: 'transitional' });
      this.#deliver(to, { kind: 'view', view });
    }
  }

  multicast(sender: MemberId, bytes: Uint8Array): void {
    for (const to of this.#members) this.#deliver(to, { kind: 'message', sender, bytes });
  }

  /** What comes from another thread is a copy, whose objects and arrays the runtime tells from those that a program makes: code compiled for these knows nothing of them. */
  #deliver(to: MemberId, event: GroupEvent): void {
    this.#outlets.later(() => this.#outlets.deliver(to, structuredClone(event)));
  }
}

interface Change {
  readonly members: readonly MemberId[];
  /** As this member had them. */
  readonly before: readonly MemberId[];
  readonly epoch: number;
  readonly how: Departure;
}

function viewOf({ members, before, epoch, how }: Change): View {
  const departed = before.filter((member) => !members.includes(member)).map((member) => ({ member, how }));
  return {
    id: viewId(epoch, members[0]!),
    epoch,
    members,
    cause: departed.length === 0 ? 'join' : 'disconnect',
    joined: members.filter((member) => !before.includes(member)),
    departed,
  };
}
