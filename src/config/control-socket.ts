/**
 * Where a running agent can be asked, read from its file as leniently as possible: an operator in the middle of an
 * edit still wants to see the status. Never throws.
 */
import { parseDocument } from 'yaml';
import { defaultSocket } from './defaults.ts';
import { FILE_LENGTH_MAX } from './source.ts';

/** The socket the file names or implies; undefined if it says neither `control.socket` nor `cluster`. */
export function controlSocketOf(text: string, fileName: string): string | undefined {
  if (text.length > FILE_LENGTH_MAX) return undefined;
  try {
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
    const socket: unknown = document.getIn(['control', 'socket']);
    if (typeof socket === 'string' && socket !== '') {
      const folder = fileName.slice(0, fileName.lastIndexOf('/') + 1);
      return socket.startsWith('/') ? socket : folder + socket;
    }
    const cluster: unknown = document.get('cluster');
    return typeof cluster === 'string' && cluster !== '' ? defaultSocket(cluster) : undefined;
  } catch {
    return undefined;
  }
}
