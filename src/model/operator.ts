/** What an operator can ask of the group; carried in agreed order, so that all members see one history (DESIGN 5.7). */
import type { MemberName } from './member.ts';
import type { VipId } from './vip.ts';

export type OperatorCommand =
  /** The member gives up everything and stays in the view. */
  | { readonly kind: 'drain'; readonly member: MemberName }
  | { readonly kind: 'undrain'; readonly member: MemberName }
  /** The VIP goes to that member and is pinned there while the member can carry it; `rebalance` unpins. */
  | { readonly kind: 'move'; readonly vip: VipId; readonly to: MemberName }
  /** Forget pins and even out the load now, in rounds. */
  | { readonly kind: 'rebalance' };

/** Answer to a command: done (or under way in agreed order), or refused with what is wrong and what would be right. */
export type CommandResult =
  | { readonly ok: true; readonly message: string }
  | { readonly ok: false; readonly code: CommandErrorCode; readonly message: string };

export type CommandErrorCode =
  | 'unknown-member'
  | 'unknown-vip'
  | 'not-eligible'
  | 'detached'
  | 'bad-config'
  | 'bad-request'
  /** Asked at a door where one may only look. */
  | 'not-allowed'
  | 'internal';
