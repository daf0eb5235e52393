/** An operation of Compute Engine: what an answer says of it. A call that was accepted may still fail here. Pure. */
import { classify, type GcpFailure } from './failures.ts';
import { list, type Raw, record, text } from './sdk-shapes.ts';

export interface Operation {
  readonly name: string;
  readonly done: boolean;
  readonly failure: GcpFailure | undefined;
}

export function operationOf(raw: Raw, method: string): Operation {
  return {
    // Not `name` of the SDK's own wrapper, which is the numeric id.
    name: text(raw['name']),
    done: raw['status'] === 'DONE' || raw['status'] === 2104194,
    failure: failureOf(raw, method),
  };
}

function failureOf(raw: Raw, method: string): GcpFailure | undefined {
  const [first] = list(record(raw['error'])['errors']);
  const httpStatus = Number(raw['httpErrorStatusCode'] ?? 0) || undefined;
  if (first === undefined && httpStatus === undefined) return undefined;
  const said = text(first?.['message']) || text(raw['httpErrorMessage']);
  const reason = text(first?.['code']) || `HTTP ${httpStatus}`;
  // The number is often no more than 400 while the code tells: the code goes first.
  const number = first === undefined ? httpStatus : undefined;
  return classify({ method, reason, said, httpStatus: number, ofOperation: true });
}
