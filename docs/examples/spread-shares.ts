/**
 * Shares ten pieces of work among all who run this, without a word between them: each member of a group sees the same list of members
 * in the same order, and takes what falls to its place. node spread-shares.ts 4803@localhost NAME
 */
import { connect, type SpreadError } from 'wackamole/spread';

const [daemon = '4803', name = ''] = process.argv.slice(2);
const connection = await connect(daemon, { name }).catch((error: SpreadError) => {
  // The code is Spread's own name for what is wrong.
  console.log(`${error.code} (${error.number}): ${error.message}`);
  process.exit(1);
});

connection.on('membership', ({ members, cause, changed }) => {
  const place = members.indexOf(connection.privateGroup);
  const mine = Array.from({ length: 10 }, (_, piece) => piece).filter(
    (piece) => piece % members.length === place,
  );
  console.log(`${cause} ${changed ?? ''}: mine are ${mine.join(' ')}`);
});
// A network that was cut delivers no membership to those who are alone with a dead daemon: then the connection ends.
connection.on('close', (error) => console.log(error === undefined ? 'goodbye' : error.message));
connection.join('shares');

process.once('SIGINT', () => void connection.disconnect());
