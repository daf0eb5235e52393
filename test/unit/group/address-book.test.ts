import { expect, test } from 'vitest';
import { AddressBook, LEARNED_MAX } from '../../../src/group/address-book.ts';

const at = (host: string, port = 4803) => ({ at: { host, port }, address: host, name: undefined });

test('one address has one place, whoever told of it', () => {
  const book = new AddressBook();
  const configured = book.add({ ...at('10.0.0.1'), configured: true, now: 0 });
  expect(book.add({ ...at('10.0.0.1'), configured: false, now: 1 })).toBe(configured);
  expect(book.add({ ...at('10.0.0.1', 4804), configured: false, now: 1 })).not.toBe(configured);
  expect([...book.at('10.0.0.1')]).toHaveLength(2);
});

test('a host name is found by its address once it is resolved', () => {
  const book = new AddressBook();
  const place = book.add({
    at: { host: 'alpha', port: 1 },
    address: undefined,
    name: 'a',
    configured: true,
    now: 0,
  })!;
  expect(book.find('10.0.0.9', 1)).toBeUndefined();
  book.resolve(place, '10.0.0.9');
  expect(book.find('10.0.0.9', 1)).toBe(place);
  book.resolve(place, '10.0.0.10');
  expect(book.find('10.0.0.9', 1)).toBeUndefined();
});

test('learned places are bounded and forgotten when long silent; configured ones and those in use stay', () => {
  const book = new AddressBook();
  const configured = book.add({ ...at('10.0.0.1'), configured: true, now: 0 })!;
  for (let count = 0; count < LEARNED_MAX; count += 1) {
    expect(book.add({ ...at(`10.1.${count >> 8}.${count & 255}`), configured: false, now: 0 })).toBeDefined();
  }
  expect(book.add({ ...at('10.2.0.1'), configured: false, now: 0 })).toBeUndefined();
  const used = book.find('10.1.0.7', 4803)!;
  book.prune(3_600_000, (place) => place === used);
  expect([...book.all()]).toEqual([configured, used]);
  expect(book.add({ ...at('10.2.0.1'), configured: false, now: 3_600_000 })).toBeDefined();
});
