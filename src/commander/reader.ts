/** As whom a configuration file is read where none of its hosts is. */

/** The file may be read where none of its hosts is: then as the first of them would read it. */
export function readerOf(file: unknown, hostName: string): string {
  const peers = Object.keys(sectionOf(sectionOf(file, 'group'), 'peers') ?? {});
  return peers.includes(hostName) ? hostName : (peers[0] ?? hostName);
}

function sectionOf(value: unknown, name: string): object | undefined {
  const section =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof section === 'object' && section !== null ? section : undefined;
}
