/** Shows what happens in groups of a Spread daemon, and comes back when the daemon does: node spread-watch.ts 4803@localhost GROUP… */
import { keepConnected } from 'wackamole/spread';

const [daemon = '4803', ...groups] = process.argv.slice(2);
const connection = keepConnected(daemon);

connection.on('up', ({ privateGroup }) => console.log(`connected as ${privateGroup}`));
connection.on('down', (error, retry) =>
  console.log(`${error.message}; next attempt in ${Math.round(retry)} ms`),
);
connection.on('membership', ({ group, cause, members }) =>
  console.log(`${group}: ${members.join(' ')} (${cause})`),
);
connection.on('message', ({ sender, groups: to, service, data }) =>
  console.log(`${sender} to ${to.join(' ')} (${service}): ${Buffer.from(data).toString()}`),
);
for (const group of groups) connection.join(group);

process.once('SIGINT', () => void connection.end());
