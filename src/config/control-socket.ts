/**
 * Where a running agent can be asked, and of which cluster it is, read from its file as leniently as possible: an operator in the middle of an
 * edit still wants to see the status. Never throws.
 */
import { type Document, parseDocument } from 'yaml';
import { defaultSocket } from './defaults.ts';
import { FILE_LENGTH_MAX } from './source.ts';

/** The socket the file names or implies; undefined if it says neither `control.socket` nor `cluster`. */
export function controlSocketOf(text: string, fileName: string): string | undefined {
  const document = leniently(text);
  try {
    const socket: unknown = document?.getIn(['control', 'socket']);
    if (typeof socket === 'string' && socket !== '') {
      const folder = fileName.slice(0, fileName.lastIndexOf('/') + 1);
      return socket.startsWith('/') ? socket : folder + socket;
    }
  } catch {
    return undefined;
  }
  const cluster = clusterOf(text);
  return cluster && defaultSocket(cluster);
}

/** The cluster's name; undefined if the file has none, or is too wrong to tell. */
export function clusterOf(text: string): string | undefined {
  try {
    const cluster: unknown = leniently(text)?.get('cluster');
    return typeof cluster === 'string' && cluster !== '' ? cluster : undefined;
  } catch {
    return undefined;
  }
}

function leniently(text: string): Document | undefined {
  if (text.length > FILE_LENGTH_MAX) return undefined;
  try {
    return parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  } catch {
    return undefined;
  }
}
