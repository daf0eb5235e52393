/** Reports for tests that make tables without agents. */
import type { Report } from '../../../src/agent/messages.ts';
import type { ViewId } from '../../../src/model/view.ts';

/** Of a member that is well and has nothing, but for `changes`. */
export function report(view: ViewId, changes: Partial<Report> = {}): Report {
  return {
    kind: 'report',
    view,
    round: 0,
    mature: true,
    draining: false,
    barred: '',
    leaving: false,
    capacity: 1,
    unfit: [],
    digest: 'same',
    votes: 1,
    primary: true,
    quorum: '',
    complete: true,
    held: [],
    claims: [],
    pinned: [],
    passed: [],
    doubts: [],
    ...changes,
  };
}
