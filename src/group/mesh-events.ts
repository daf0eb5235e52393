/** What the mesh of streams is told and tells: which stream a pair has, what came over it, and what became of those that failed. */
import type { MemberId } from '../model/member.ts';
import type { Millis } from '../model/time.ts';
import type { Connection, ConnectionEnd } from './connection.ts';
import type { Hello, Refusal } from './hello.ts';
import type { OwnIdentity } from './judge-hello.ts';
import type { KeyRing } from './key-ring.ts';
import type { PairToken } from './sealed-datagram.ts';
import type { StreamKeys } from './stream-keys.ts';

export interface MeshSettings {
  readonly identity: OwnIdentity;
  /** Port 0 lets the kernel choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Source of what we dial. */
  readonly localAddress?: string;
  /** Whether it holds keys at all is settled for the run; which ones may change. */
  readonly ring: KeyRing;
  readonly connectWithin: Millis;
  /** How long a stream that is asked whether it still works may take to answer. */
  readonly checkWithin: Millis;
}

/** An open stream. */
export interface Session {
  readonly member: MemberId;
  readonly wireVersion: number;
  readonly remoteAddress: string;
  readonly listenPort: number;
  readonly token: PairToken;
  readonly keys: Pick<StreamKeys, 'missing'>;
}

export interface MeshEvents {
  readonly opened: (session: Session) => void;
  /** Not called for a stream closed by `close` or `stop`. */
  readonly closed: (session: Session, reason: string) => void;
  readonly data: (session: Session, bytes: Buffer) => void;
  /** A connection that never became the pair's stream is gone; `refusal`: why the other end (or we) refused. */
  readonly failed: (attempt: Connection, end: ConnectionEnd, refusal: Refusal | undefined) => void;
  /** The other end said who it is. */
  readonly greeted: (attempt: Connection, hello: Hello) => void;
  /** The `tokens` are other ones now. */
  readonly tokensChanged: () => void;
  /** We, the younger, were told that another live member has our name. */
  readonly nameTaken: (where: string, text: string) => void;
  /** Whether that address is one of a configured peer, or a member was heard from it lately. */
  readonly expects: (address: string) => boolean;
  /** All such addresses, IP literals. */
  readonly expected: () => readonly string[];
  /** Strangers come in throngs. Told again when it has been over in between. */
  readonly thronged: () => void;
}
