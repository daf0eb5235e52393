/** A status for tests. */
import type { MemberId } from '../../../src/model/member.ts';
import type { Status } from '../../../src/model/status.ts';
import type { ViewId } from '../../../src/model/view.ts';

export function statusExample(changes: Partial<Status> = {}): Status {
  return {
    cluster: 'web',
    version: '0.1.0',
    self: 'a',
    phase: 'settled',
    view: {
      id: '7.a#0000000000000001' as ViewId,
      epoch: 7,
      since: '2026-01-02T11:00:00.000Z',
      cause: 'join',
    },
    primary: true,
    config_digest: '0123456789abcdef',
    members: [
      {
        name: 'a',
        member: 'a#0000000000000001' as MemberId,
        representative: true,
        self: true,
        mature: true,
        draining: false,
        reported: true,
        capacity: 1,
        votes: 1,
        vips: 1,
        problems: [],
      },
    ],
    vips: [
      {
        vip: 'web-1',
        addresses: ['10.0.0.100/32'],
        holder: 'a',
        allocated: 'a',
        state: 'held',
        since: '2026-01-02T11:59:30.000Z',
        reason: 'least loaded',
        passed_over: [],
      },
    ],
    changes: [],
    peers: [],
    counters: {},
    warnings: [],
    ...changes,
  };
}
